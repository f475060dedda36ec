"""Numbers that partners know a request by are found by the request

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_index("ix_request_transaction_request", "request_transaction", ["library", "request_id"])
