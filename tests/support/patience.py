"""How long a test waits for what must come. Only a hang lasts so long, however slow the machine is."""

PATIENCE_S = 60.0
"""For one step: a reply, a task, a process."""

HANG_S = 10 * PATIENCE_S
"""For a whole test."""
