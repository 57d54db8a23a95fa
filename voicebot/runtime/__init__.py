"""What runs: the network (`net`), the control process (`control`) and the worker processes."""
