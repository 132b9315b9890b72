"""Parts of event classes, apart from the classes themselves."""
