class ArcticException(RuntimeError): ...  # noqa: N818 - it is theirs
