"""The JSON API under /api/v1: operations as data (`operation`), served by `request_handler`, described by `openapi`."""
