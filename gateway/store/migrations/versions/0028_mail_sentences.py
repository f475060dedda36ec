"""What the reasons of mails and mailboxes were made of

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Of reasons from before it isn't known."""
    for table in ("mail", "mailbox_failure"):
        op.add_column(table, sa.Column("reason_sentence", sa.Text, nullable=False, server_default=""))
