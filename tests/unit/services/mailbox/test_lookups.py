"""What is asked for every mail must not grow with the mails that there are."""

from __future__ import annotations

from sqlalchemy import create_engine

from gateway.store.mailbox import SAME, mail


def test_the_same_content_is_found_by_its_digest() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        mail.create(connection)
        asked = str(SAME.compile(dialect=engine.dialect))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("DEMO", "digest", 20, 0)).all()
    engine.dispose()

    assert "ix_mail_digest" in str(plan), plan
