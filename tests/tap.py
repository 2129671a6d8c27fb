"""TAP from a check: each rule is one test, and each fault a line below it. Used by the check_*.py beside this file."""


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def check(self, rule, faults):
        """One rule, with the faults found against it (none: it holds)."""
        self.number += 1
        if faults:
            self.failed += 1
            print(f"not ok {self.number} - {rule}")
            for fault in faults:
                print(f"  {fault}")
        else:
            print(f"ok {self.number} - {rule}", flush=True)

    def skip(self, rule, why):
        self.number += 1
        print(f"ok {self.number} - {rule} # SKIP {why}")

    def end(self):
        """Closes the plan; the exit code of the program."""
        print(f"1..{self.number}")
        return 1 if self.failed or not self.number else 0
