/* allocator.h - what the C library's malloc does with memory that a program frees. */
#ifndef TW_OS_ALLOCATOR_H
#define TW_OS_ALLOCATOR_H

/* Bytes of one array, and of all that stay: those that glibc arrives at by itself in a program that frees large arrays.
 */
#define TW__ALLOCATOR_LARGEST (32 << 20)
#define TW__ALLOCATOR_KEEPS (2 * TW__ALLOCATOR_LARGEST)

/* In a worker process: memory that a kernel frees stays there for the next tile, up to TW__ALLOCATOR_KEEPS. By itself
 * malloc gives it back to the system after each tile whose temporaries take more than some hundred KiB, and new pages
 * for the next tile may take a fifth of a NumPy kernel's time. Nothing happens if the user has set malloc up by the
 * environment, or if the C library has no such setting. */
void tw__allocator_keep(void);

#endif
