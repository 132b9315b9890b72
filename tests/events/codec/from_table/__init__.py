"""Events of tables that others have made."""
