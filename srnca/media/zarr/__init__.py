"""Recordings in Zarr: folders that grow frame by frame, format 2 or 3."""
