"""The control process: worker processes, media ports, the media plane and the speech pool as calls see them."""
