"""What it costs, alone and beside others."""
