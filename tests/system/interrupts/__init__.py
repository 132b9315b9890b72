"""Commands of the command line, interrupted at every moment: `python -m tests.system.interrupts`."""
