"""The JSON API under /api/v1: operations as data (`operation`), served by `serving`, described by `openapi`."""
