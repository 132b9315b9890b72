"""The columns of event classes, and stored rows as events again."""
