"""Which pictures are good enough: measured once, then judged by rules."""
