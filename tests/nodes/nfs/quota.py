"""Run on the server: `quota.py USER KILOBYTES` limits what a user may have on the disk; 0: no limit. By quotactl(2), so that no
package is needed. Standard library alone."""

import ctypes
import struct
import sys

SETQUOTA, USER_QUOTA, LIMITS = 0x800008, 0, 1
user, kilobytes = map(int, sys.argv[1:])
limits = struct.pack("8QI4x", kilobytes, kilobytes, 0, 0, 0, 0, 0, 0, LIMITS)
libc = ctypes.CDLL(None, use_errno=True)
if libc.quotactl(SETQUOTA << 8 | USER_QUOTA, b"/dev/ubda", user, limits) != 0:
    sys.exit(f"quotactl: error {ctypes.get_errno()}")
