"""The network shells: the only package below `runtime` that knows Twisted. Protocols live in `sip`, sans-IO."""
