"""The part of `signal` that is built into the interpreter: importing it takes no time."""

from signal import SIG_DFL as SIG_DFL
from signal import SIG_IGN as SIG_IGN
from signal import default_int_handler as default_int_handler
from signal import getsignal as getsignal
from signal import signal as signal
