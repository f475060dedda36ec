=== api_answer
CREATE TABLE api_answer (
library TEXT NOT NULL,
api_key TEXT NOT NULL,
operation TEXT NOT NULL,
idempotency_key TEXT NOT NULL,
request BLOB NOT NULL,
status INTEGER NOT NULL,
headers TEXT NOT NULL,
body BLOB NOT NULL,
at DATETIME NOT NULL,
reference TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_api_answer PRIMARY KEY (library, api_key, operation, idempotency_key)
)
=== ix_api_answer_at
CREATE INDEX ix_api_answer_at ON api_answer (library, at)
=== api_key
CREATE TABLE api_key (
library TEXT NOT NULL,
prefix TEXT NOT NULL,
name TEXT NOT NULL,
digest BLOB NOT NULL,
scopes TEXT NOT NULL,
created DATETIME NOT NULL,
expires DATETIME,
last_used DATETIME,
revoked DATETIME,
CONSTRAINT pk_api_key PRIMARY KEY (library, prefix)
)
=== ix_api_key_prefix
CREATE UNIQUE INDEX ix_api_key_prefix ON api_key (prefix)
=== audit_entry
CREATE TABLE audit_entry (
library TEXT NOT NULL,
id TEXT NOT NULL,
actor TEXT NOT NULL,
action TEXT NOT NULL,
subject TEXT NOT NULL,
detail TEXT NOT NULL,
peer TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_audit_entry PRIMARY KEY (library, id)
)
=== ix_audit_entry_actor
CREATE INDEX ix_audit_entry_actor ON audit_entry (library, actor, id)
=== copy_download
CREATE TABLE copy_download (
library TEXT NOT NULL,
link TEXT NOT NULL,
count INTEGER NOT NULL,
first_at DATETIME NOT NULL,
last_at DATETIME NOT NULL,
CONSTRAINT pk_copy_download PRIMARY KEY (library, link)
)
=== ix_copy_download_last
CREATE INDEX ix_copy_download_last ON copy_download (library, last_at)
=== filed_order
CREATE TABLE filed_order (
library TEXT NOT NULL,
profile TEXT NOT NULL,
number TEXT NOT NULL,
place INTEGER NOT NULL,
file_id TEXT NOT NULL,
order_id TEXT NOT NULL,
request_id TEXT NOT NULL,
reference TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_filed_order PRIMARY KEY (library, profile, number, place)
)
=== ix_filed_order_at
CREATE INDEX ix_filed_order_at ON filed_order (at, library)
=== ix_filed_order_file
CREATE INDEX ix_filed_order_file ON filed_order (library, file_id, place)
=== ix_filed_order_order
CREATE INDEX ix_filed_order_order ON filed_order (library, order_id)
=== interrupted
CREATE TABLE interrupted (
library TEXT NOT NULL,
id TEXT NOT NULL,
starts INTEGER NOT NULL,
CONSTRAINT pk_interrupted PRIMARY KEY (library, id)
)
=== library_change
CREATE TABLE library_change (
library TEXT NOT NULL,
kind TEXT NOT NULL,
"key" TEXT NOT NULL,
barcode TEXT NOT NULL,
patron_id TEXT NOT NULL,
request_id TEXT NOT NULL,
record_id TEXT NOT NULL,
begun DATETIME NOT NULL,
ended DATETIME,
value TEXT NOT NULL,
CONSTRAINT pk_library_change PRIMARY KEY (library, kind, "key")
)
=== ix_library_change_barcode
CREATE INDEX ix_library_change_barcode ON library_change (library, barcode, begun)
=== ix_library_change_begun
CREATE INDEX ix_library_change_begun ON library_change (begun)
=== ix_library_change_patron
CREATE INDEX ix_library_change_patron ON library_change (library, patron_id, begun)
=== ix_library_change_record
CREATE INDEX ix_library_change_record ON library_change (library, record_id, begun)
=== ix_library_change_request
CREATE INDEX ix_library_change_request ON library_change (library, request_id, begun)
=== mail
CREATE TABLE mail (
library TEXT NOT NULL,
id TEXT NOT NULL,
mailbox TEXT NOT NULL,
uid_validity BIGINT NOT NULL,
uid BIGINT NOT NULL,
message_id TEXT NOT NULL,
digest TEXT NOT NULL,
at DATETIME NOT NULL,
outcome TEXT NOT NULL,
profile TEXT NOT NULL,
request_id TEXT NOT NULL,
reason TEXT NOT NULL,
is_open BOOLEAN NOT NULL,
sender TEXT NOT NULL,
subject TEXT NOT NULL,
possible TEXT NOT NULL,
content BLOB,
key_id TEXT NOT NULL,
closed_by TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
dismissed_at DATETIME,
CONSTRAINT pk_mail PRIMARY KEY (library, id)
)
=== ix_mail_at
CREATE INDEX ix_mail_at ON mail (at, library)
=== ix_mail_digest
CREATE INDEX ix_mail_digest ON mail (library, digest)
=== ix_mail_dismissed
CREATE INDEX ix_mail_dismissed ON mail (library, id) WHERE dismissed_at IS NOT NULL
=== ix_mail_open
CREATE INDEX ix_mail_open ON mail (library, id) WHERE is_open
=== ix_mail_request
CREATE INDEX ix_mail_request ON mail (library, request_id) WHERE request_id <> ''
=== ix_mail_uid
CREATE UNIQUE INDEX ix_mail_uid ON mail (library, mailbox, uid_validity, uid)
=== mailbox
CREATE TABLE mailbox (
library TEXT NOT NULL,
name TEXT NOT NULL,
uid_validity BIGINT NOT NULL,
highest_uid BIGINT NOT NULL,
seen DATETIME NOT NULL,
CONSTRAINT pk_mailbox PRIMARY KEY (library, name)
)
=== mailbox_failure
CREATE TABLE mailbox_failure (
library TEXT NOT NULL,
name TEXT NOT NULL,
since DATETIME NOT NULL,
reason TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
CONSTRAINT pk_mailbox_failure PRIMARY KEY (library, name)
)
=== message
CREATE TABLE message (
library TEXT NOT NULL,
id TEXT NOT NULL,
exchange TEXT NOT NULL,
direction TEXT NOT NULL,
profile TEXT NOT NULL,
protocol TEXT NOT NULL,
transport TEXT NOT NULL,
service TEXT NOT NULL,
version TEXT NOT NULL,
peer TEXT NOT NULL,
from_agency TEXT NOT NULL,
to_agency TEXT NOT NULL,
request_id TEXT NOT NULL,
item_id TEXT NOT NULL,
at DATETIME NOT NULL,
body BLOB,
body_size INTEGER NOT NULL,
truncated BOOLEAN NOT NULL,
body_key TEXT NOT NULL,
content_type TEXT NOT NULL,
status INTEGER NOT NULL,
outcome TEXT NOT NULL,
reason TEXT NOT NULL,
note TEXT NOT NULL,
duration_ms FLOAT NOT NULL,
repeat_of TEXT NOT NULL,
replay_of TEXT NOT NULL,
node TEXT DEFAULT '' NOT NULL,
patron_mark TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_message PRIMARY KEY (library, id)
)
=== ix_message_item
CREATE INDEX ix_message_item ON message (library, item_id, id) WHERE item_id <> ''
=== ix_message_patron
CREATE INDEX ix_message_patron ON message (library, patron_mark) WHERE patron_mark <> ''
=== ix_message_pending
CREATE INDEX ix_message_pending ON message (library, outcome, id) WHERE outcome = 'pending'
=== ix_message_replay
CREATE INDEX ix_message_replay ON message (library, replay_of, id) WHERE replay_of <> ''
=== ix_message_request
CREATE INDEX ix_message_request ON message (library, request_id, id) WHERE request_id <> ''
=== ix_message_trouble
CREATE INDEX ix_message_trouble ON message (library, id) WHERE outcome NOT IN ('ok', 'pending') AND direction = 'in'
=== message_request
CREATE TABLE message_request (
library TEXT NOT NULL,
request_id TEXT NOT NULL,
exchange TEXT NOT NULL,
CONSTRAINT pk_message_request PRIMARY KEY (library, request_id, exchange)
)
=== ix_message_request_exchange
CREATE INDEX ix_message_request_exchange ON message_request (library, exchange)
=== network_report
CREATE TABLE network_report (
library TEXT NOT NULL,
member TEXT NOT NULL,
said_library TEXT NOT NULL,
open TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_network_report PRIMARY KEY (library, member)
)
=== node
CREATE TABLE node (
id TEXT NOT NULL,
place TEXT NOT NULL,
started DATETIME NOT NULL,
seen DATETIME NOT NULL,
steady_since DATETIME NOT NULL,
CONSTRAINT pk_node PRIMARY KEY (id)
)
=== order_file
CREATE TABLE order_file (
library TEXT NOT NULL,
row_id TEXT NOT NULL,
at DATETIME NOT NULL,
document TEXT NOT NULL,
CONSTRAINT pk_order_file PRIMARY KEY (library, row_id)
)
=== outbox
CREATE TABLE outbox (
library TEXT NOT NULL,
id TEXT NOT NULL,
lane TEXT NOT NULL,
place INTEGER NOT NULL,
kind TEXT NOT NULL,
target TEXT NOT NULL,
request_id TEXT NOT NULL,
payload TEXT NOT NULL,
status TEXT NOT NULL,
tries INTEGER NOT NULL,
created DATETIME NOT NULL,
next_at DATETIME NOT NULL,
ready_at DATETIME,
lease_until DATETIME,
node TEXT NOT NULL,
ended DATETIME,
error TEXT NOT NULL,
note TEXT NOT NULL,
error_sentence TEXT NOT NULL,
CONSTRAINT pk_outbox PRIMARY KEY (library, id)
)
=== ix_outbox_ended
CREATE INDEX ix_outbox_ended ON outbox (ended, library, id) WHERE ended IS NOT NULL
=== ix_outbox_gathered
CREATE INDEX ix_outbox_gathered ON outbox (library, target, kind, id) WHERE status = 'waiting' AND kind IN ('gather', 'order')
=== ix_outbox_kind
CREATE INDEX ix_outbox_kind ON outbox (library, kind, id)
=== ix_outbox_lane
CREATE INDEX ix_outbox_lane ON outbox (library, lane, place) WHERE ended IS NULL AND lane <> ''
=== ix_outbox_library_ready
CREATE INDEX ix_outbox_library_ready ON outbox (library, ready_at, id) WHERE ready_at IS NOT NULL
=== ix_outbox_ready
CREATE INDEX ix_outbox_ready ON outbox (ready_at, library, id) WHERE ready_at IS NOT NULL
=== ix_outbox_request
CREATE INDEX ix_outbox_request ON outbox (library, request_id, id)
=== ix_outbox_status
CREATE INDEX ix_outbox_status ON outbox (status, library, id)
=== outbox_lane
CREATE TABLE outbox_lane (
library TEXT NOT NULL,
lane TEXT NOT NULL,
head TEXT NOT NULL,
last INTEGER NOT NULL,
CONSTRAINT pk_outbox_lane PRIMARY KEY (library, lane)
)
=== page_failure
CREATE TABLE page_failure (
library TEXT NOT NULL,
id TEXT NOT NULL,
count INTEGER NOT NULL,
since DATETIME NOT NULL,
CONSTRAINT pk_page_failure PRIMARY KEY (library, id)
)
=== ix_page_failure_since
CREATE INDEX ix_page_failure_since ON page_failure (library, since)
=== page_form
CREATE TABLE page_form (
library TEXT NOT NULL,
id TEXT NOT NULL,
request_id TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_page_form PRIMARY KEY (library, id)
)
=== ix_page_form_at
CREATE INDEX ix_page_form_at ON page_form (library, at)
=== page_journey
CREATE TABLE page_journey (
library TEXT NOT NULL,
id TEXT NOT NULL,
visit TEXT NOT NULL,
nonce TEXT NOT NULL,
verifier TEXT NOT NULL,
back_to TEXT NOT NULL,
expires DATETIME NOT NULL,
CONSTRAINT pk_page_journey PRIMARY KEY (library, id)
)
=== ix_page_journey_expires
CREATE INDEX ix_page_journey_expires ON page_journey (library, expires)
=== page_session
CREATE TABLE page_session (
library TEXT NOT NULL,
id TEXT NOT NULL,
patron_id TEXT NOT NULL,
identifier TEXT NOT NULL,
category TEXT NOT NULL,
branch TEXT NOT NULL,
name TEXT NOT NULL,
method TEXT NOT NULL,
proof TEXT NOT NULL,
started DATETIME NOT NULL,
expires DATETIME NOT NULL,
CONSTRAINT pk_page_session PRIMARY KEY (library, id)
)
=== ix_page_session_expires
CREATE INDEX ix_page_session_expires ON page_session (library, expires)
=== partner_closure
CREATE TABLE partner_closure (
library TEXT NOT NULL,
id TEXT NOT NULL,
partner TEXT NOT NULL,
first DATE NOT NULL,
last DATE NOT NULL,
note TEXT NOT NULL,
made_at DATETIME NOT NULL,
made_by TEXT NOT NULL,
CONSTRAINT pk_partner_closure PRIMARY KEY (library, id)
)
=== ix_partner_closure_last
CREATE INDEX ix_partner_closure_last ON partner_closure (library, last)
=== partner_message
CREATE TABLE partner_message (
library TEXT NOT NULL,
profile TEXT NOT NULL,
message_id TEXT NOT NULL,
request_id TEXT NOT NULL,
refused TEXT NOT NULL,
reason TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_partner_message PRIMARY KEY (library, profile, message_id)
)
=== ix_partner_message_at
CREATE INDEX ix_partner_message_at ON partner_message (at, library)
=== partner_thing
CREATE TABLE partner_thing (
library TEXT NOT NULL,
kind TEXT NOT NULL,
thing TEXT NOT NULL,
profile TEXT NOT NULL,
request_id TEXT NOT NULL,
barcode TEXT NOT NULL,
made_at DATETIME NOT NULL,
CONSTRAINT pk_partner_thing PRIMARY KEY (library, kind, thing)
)
=== ix_partner_thing_made
CREATE INDEX ix_partner_thing_made ON partner_thing (made_at)
=== ix_partner_thing_request
CREATE INDEX ix_partner_thing_request ON partner_thing (library, request_id)
=== patron_setting
CREATE TABLE patron_setting (
library TEXT NOT NULL,
patron_id TEXT NOT NULL,
notices TEXT NOT NULL,
language TEXT NOT NULL,
CONSTRAINT pk_patron_setting PRIMARY KEY (library, patron_id)
)
=== print_batch
CREATE TABLE print_batch (
library TEXT NOT NULL,
id TEXT NOT NULL,
number INTEGER NOT NULL,
kind TEXT NOT NULL,
made_at DATETIME NOT NULL,
made_by TEXT NOT NULL,
printed_at DATETIME,
printed_by TEXT NOT NULL,
CONSTRAINT pk_print_batch PRIMARY KEY (library, id)
)
=== ix_print_batch_number
CREATE UNIQUE INDEX ix_print_batch_number ON print_batch (library, number)
=== print_item
CREATE TABLE print_item (
library TEXT NOT NULL,
kind TEXT NOT NULL,
request_id TEXT NOT NULL,
batch_id TEXT NOT NULL,
position INTEGER NOT NULL,
CONSTRAINT pk_print_item PRIMARY KEY (library, kind, request_id, batch_id)
)
=== ix_print_item_batch
CREATE INDEX ix_print_item_batch ON print_item (library, batch_id, position)
=== processed_message
CREATE TABLE processed_message (
library TEXT NOT NULL,
profile TEXT NOT NULL,
"key" TEXT NOT NULL,
first_message TEXT NOT NULL,
answer_message TEXT NOT NULL,
count INTEGER NOT NULL,
first_at DATETIME NOT NULL,
last_at DATETIME NOT NULL,
CONSTRAINT pk_processed_message PRIMARY KEY (library, profile, "key")
)
=== ix_processed_message_last
CREATE INDEX ix_processed_message_last ON processed_message (library, last_at)
=== profile_version
CREATE TABLE profile_version (
library TEXT NOT NULL,
id TEXT NOT NULL,
profile TEXT NOT NULL,
previous TEXT NOT NULL,
digest TEXT NOT NULL,
actor TEXT NOT NULL,
reason TEXT NOT NULL,
content TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_profile_version PRIMARY KEY (library, id),
CONSTRAINT uq_profile_version_previous UNIQUE (library, profile, previous)
)
=== ix_profile_version_profile
CREATE INDEX ix_profile_version_profile ON profile_version (library, profile, id)
=== replay_job
CREATE TABLE replay_job (
library TEXT NOT NULL,
id TEXT NOT NULL,
status TEXT NOT NULL,
reason TEXT NOT NULL,
begun DATETIME NOT NULL,
begun_by TEXT NOT NULL,
ended DATETIME,
search TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_replay_job PRIMARY KEY (library, id)
)
=== ix_replay_job_status
CREATE INDEX ix_replay_job_status ON replay_job (status, id)
=== replay_message
CREATE TABLE replay_message (
library TEXT NOT NULL,
job TEXT NOT NULL,
position INTEGER NOT NULL,
message TEXT NOT NULL,
status TEXT NOT NULL,
reason TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
replay TEXT NOT NULL,
ended DATETIME,
CONSTRAINT pk_replay_message PRIMARY KEY (library, job, position)
)
=== ix_replay_message_status
CREATE INDEX ix_replay_message_status ON replay_message (library, job, status, position)
=== request
CREATE TABLE request (
library TEXT NOT NULL,
id TEXT NOT NULL,
role TEXT NOT NULL,
state TEXT NOT NULL,
is_open BOOLEAN NOT NULL,
number TEXT NOT NULL,
partner TEXT NOT NULL,
patron_id TEXT NOT NULL,
branch TEXT NOT NULL,
service TEXT DEFAULT '' NOT NULL,
assignee TEXT DEFAULT '' NOT NULL,
labels TEXT DEFAULT '' NOT NULL,
created DATETIME NOT NULL,
changed DATETIME NOT NULL,
need_by DATE,
fingerprint TEXT NOT NULL,
words TEXT NOT NULL,
title TEXT DEFAULT '' NOT NULL,
tasks TEXT NOT NULL,
external TEXT NOT NULL,
terms TEXT DEFAULT '' NOT NULL,
loads TEXT NOT NULL,
supplied INTEGER NOT NULL,
version INTEGER NOT NULL,
document TEXT NOT NULL,
CONSTRAINT pk_request PRIMARY KEY (library, id)
)
=== ix_request_assignee
CREATE INDEX ix_request_assignee ON request (library, assignee, changed, id) WHERE assignee <> ''
=== ix_request_changed
CREATE INDEX ix_request_changed ON request (library, changed, id)
=== ix_request_need_by
CREATE INDEX ix_request_need_by ON request (library, need_by, id) WHERE is_open AND need_by IS NOT NULL
=== ix_request_number
CREATE UNIQUE INDEX ix_request_number ON request (library, number)
=== ix_request_open
CREATE INDEX ix_request_open ON request (library, role, changed, id) WHERE is_open
=== ix_request_partner
CREATE INDEX ix_request_partner ON request (library, partner, changed, id) WHERE partner <> ''
=== ix_request_patron
CREATE INDEX ix_request_patron ON request (library, patron_id, changed, id) WHERE patron_id <> ''
=== ix_request_similar
CREATE INDEX ix_request_similar ON request (library, patron_id, fingerprint, created) WHERE patron_id <> ''
=== ix_request_state
CREATE INDEX ix_request_state ON request (library, role, state, changed, id)
=== ix_request_state_number
CREATE INDEX ix_request_state_number ON request (library, state, role, number, id)
=== ix_request_state_title
CREATE INDEX ix_request_state_title ON request (library, state, role, title, id)
=== request_barcode
CREATE TABLE request_barcode (
library TEXT NOT NULL,
barcode TEXT NOT NULL,
request_id TEXT NOT NULL,
CONSTRAINT pk_request_barcode PRIMARY KEY (library, barcode, request_id)
)
=== ix_request_barcode_request
CREATE INDEX ix_request_barcode_request ON request_barcode (library, request_id)
=== request_count
CREATE TABLE request_count (
library TEXT NOT NULL,
kind TEXT NOT NULL,
name TEXT NOT NULL,
slot INTEGER NOT NULL,
n INTEGER NOT NULL,
CONSTRAINT pk_request_count PRIMARY KEY (library, kind, name, slot)
)
=== request_event
CREATE TABLE request_event (
library TEXT NOT NULL,
id TEXT NOT NULL,
request_id TEXT NOT NULL,
at DATETIME NOT NULL,
"before" TEXT NOT NULL,
"after" TEXT NOT NULL,
denied TEXT NOT NULL,
note TEXT NOT NULL,
document TEXT NOT NULL,
exchange TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_request_event PRIMARY KEY (library, id)
)
=== ix_request_event_request
CREATE INDEX ix_request_event_request ON request_event (library, request_id, id)
=== request_external
CREATE TABLE request_external (
library TEXT NOT NULL,
value TEXT NOT NULL,
request_id TEXT NOT NULL,
CONSTRAINT pk_request_external PRIMARY KEY (library, value, request_id)
)
=== request_figure
CREATE TABLE request_figure (
library TEXT NOT NULL,
month INTEGER NOT NULL,
request_id TEXT NOT NULL,
attempt INTEGER NOT NULL,
role TEXT NOT NULL,
is_copy BOOLEAN NOT NULL,
branch TEXT NOT NULL,
partner TEXT NOT NULL,
outcome TEXT NOT NULL,
reason TEXT NOT NULL,
asked_hours INTEGER,
sent_hours INTEGER,
came_hours INTEGER,
currency TEXT NOT NULL,
cost BIGINT NOT NULL,
CONSTRAINT pk_request_figure PRIMARY KEY (library, month, request_id, attempt)
)
WITHOUT ROWID
=== ix_request_figure
CREATE INDEX ix_request_figure ON request_figure (library, month, role, is_copy, attempt, partner, outcome)
=== request_file
CREATE TABLE request_file (
library TEXT NOT NULL,
id TEXT NOT NULL,
content BLOB NOT NULL,
CONSTRAINT pk_request_file PRIMARY KEY (library, id)
)
=== request_message
CREATE TABLE request_message (
library TEXT NOT NULL,
event_id TEXT NOT NULL,
request_id TEXT NOT NULL,
role TEXT NOT NULL,
kind TEXT NOT NULL,
attempt INTEGER NOT NULL,
at DATETIME NOT NULL,
read_at DATETIME,
read_by TEXT NOT NULL,
CONSTRAINT pk_request_message PRIMARY KEY (library, event_id)
)
=== ix_request_message_request
CREATE INDEX ix_request_message_request ON request_message (library, request_id, event_id)
=== ix_request_message_unread
CREATE INDEX ix_request_message_unread ON request_message (library, role, event_id) WHERE read_at IS NULL
=== request_supply
CREATE TABLE request_supply (
library TEXT NOT NULL,
day DATE NOT NULL,
partner TEXT NOT NULL,
n INTEGER NOT NULL,
seconds BIGINT NOT NULL,
CONSTRAINT pk_request_supply PRIMARY KEY (library, day, partner)
)
=== request_task
CREATE TABLE request_task (
library TEXT NOT NULL,
task TEXT NOT NULL,
changed DATETIME NOT NULL,
request_id TEXT NOT NULL,
since DATETIME NOT NULL,
CONSTRAINT pk_request_task PRIMARY KEY (library, task, changed, request_id)
)
=== ix_request_task_since
CREATE INDEX ix_request_task_since ON request_task (library, task, since, request_id)
=== request_term
CREATE TABLE request_term (
library TEXT NOT NULL,
kind TEXT NOT NULL,
term TEXT NOT NULL,
request_id TEXT NOT NULL,
CONSTRAINT pk_request_term PRIMARY KEY (library, kind, term, request_id)
)
WITHOUT ROWID
=== request_timer
CREATE TABLE request_timer (
library TEXT NOT NULL,
request_id TEXT NOT NULL,
timer TEXT NOT NULL,
at DATETIME NOT NULL,
CONSTRAINT pk_request_timer PRIMARY KEY (library, request_id, timer)
)
=== ix_request_timer_at
CREATE INDEX ix_request_timer_at ON request_timer (at, library, request_id, timer)
=== ix_request_timer_library_at
CREATE INDEX ix_request_timer_library_at ON request_timer (library, at, request_id, timer)
=== request_transaction
CREATE TABLE request_transaction (
library TEXT NOT NULL,
role TEXT NOT NULL,
symbol TEXT NOT NULL,
reference TEXT NOT NULL,
request_id TEXT NOT NULL,
attempt INTEGER NOT NULL,
CONSTRAINT pk_request_transaction PRIMARY KEY (library, role, symbol, reference)
)
=== ix_request_transaction_request
CREATE INDEX ix_request_transaction_request ON request_transaction (library, request_id)
=== retention
CREATE TABLE retention (
library TEXT NOT NULL,
bodies_until TEXT NOT NULL,
CONSTRAINT pk_retention PRIMARY KEY (library)
)
=== saved_filter
CREATE TABLE saved_filter (
library TEXT NOT NULL,
id TEXT NOT NULL,
owner TEXT NOT NULL,
place TEXT NOT NULL,
name TEXT NOT NULL,
"query" TEXT NOT NULL,
shared BOOLEAN NOT NULL,
created DATETIME NOT NULL,
CONSTRAINT pk_saved_filter PRIMARY KEY (library, id)
)
=== ix_saved_filter_place
CREATE INDEX ix_saved_filter_place ON saved_filter (library, place, owner)
=== sequence
CREATE TABLE sequence (
library TEXT NOT NULL,
name TEXT NOT NULL,
value BIGINT NOT NULL,
CONSTRAINT pk_sequence PRIMARY KEY (library, name)
)
=== server_secret
CREATE TABLE server_secret (
library TEXT NOT NULL,
name TEXT NOT NULL,
value BLOB NOT NULL,
created DATETIME NOT NULL,
CONSTRAINT pk_server_secret PRIMARY KEY (library, name)
)
=== staff_code_wait
CREATE TABLE staff_code_wait (
library TEXT NOT NULL,
id TEXT NOT NULL,
user_id TEXT NOT NULL,
confirms BOOLEAN NOT NULL,
expires DATETIME NOT NULL,
CONSTRAINT pk_staff_code_wait PRIMARY KEY (library, id)
)
=== staff_grant
CREATE TABLE staff_grant (
library TEXT NOT NULL,
user_id TEXT NOT NULL,
role TEXT NOT NULL,
branch TEXT NOT NULL,
CONSTRAINT pk_staff_grant PRIMARY KEY (library, user_id, role, branch)
)
=== ix_staff_grant_user
CREATE INDEX ix_staff_grant_user ON staff_grant (user_id)
=== staff_identity
CREATE TABLE staff_identity (
library TEXT NOT NULL,
user_id TEXT NOT NULL,
issuer TEXT NOT NULL,
subject TEXT NOT NULL,
linked DATETIME,
CONSTRAINT pk_staff_identity PRIMARY KEY (library, user_id)
)
=== ix_staff_identity_subject
CREATE UNIQUE INDEX ix_staff_identity_subject ON staff_identity (issuer, subject)
=== staff_provider_grant
CREATE TABLE staff_provider_grant (
library TEXT NOT NULL,
user_id TEXT NOT NULL,
role TEXT NOT NULL,
branch TEXT NOT NULL,
CONSTRAINT pk_staff_provider_grant PRIMARY KEY (library, user_id, role, branch)
)
=== ix_staff_provider_grant_user
CREATE INDEX ix_staff_provider_grant_user ON staff_provider_grant (user_id)
=== staff_recovery_code
CREATE TABLE staff_recovery_code (
library TEXT NOT NULL,
user_id TEXT NOT NULL,
digest TEXT NOT NULL,
CONSTRAINT pk_staff_recovery_code PRIMARY KEY (library, user_id, digest)
)
=== staff_second_factor
CREATE TABLE staff_second_factor (
library TEXT NOT NULL,
user_id TEXT NOT NULL,
secret BLOB NOT NULL,
secret_key TEXT NOT NULL,
confirmed DATETIME,
last_step BIGINT NOT NULL,
CONSTRAINT pk_staff_second_factor PRIMARY KEY (library, user_id)
)
=== staff_session
CREATE TABLE staff_session (
library TEXT NOT NULL,
id TEXT NOT NULL,
user_id TEXT NOT NULL,
method TEXT NOT NULL,
started DATETIME NOT NULL,
expires DATETIME NOT NULL,
confirmed DATETIME,
CONSTRAINT pk_staff_session PRIMARY KEY (library, id)
)
=== ix_staff_session_expires
CREATE INDEX ix_staff_session_expires ON staff_session (library, expires)
=== ix_staff_session_id
CREATE UNIQUE INDEX ix_staff_session_id ON staff_session (id)
=== ix_staff_session_user
CREATE INDEX ix_staff_session_user ON staff_session (user_id)
=== staff_user
CREATE TABLE staff_user (
library TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
shown_name TEXT NOT NULL,
email TEXT NOT NULL,
subject TEXT NOT NULL,
password_hash TEXT NOT NULL,
created DATETIME NOT NULL,
disabled DATETIME,
CONSTRAINT pk_staff_user PRIMARY KEY (library, id)
)
=== ix_staff_user_name
CREATE UNIQUE INDEX ix_staff_user_name ON staff_user (name)
=== task_leader
CREATE TABLE task_leader (
task TEXT NOT NULL,
node TEXT NOT NULL,
CONSTRAINT pk_task_leader PRIMARY KEY (task)
)
=== webhook
CREATE TABLE webhook (
library TEXT NOT NULL,
id TEXT NOT NULL,
name TEXT NOT NULL,
url TEXT NOT NULL,
secret TEXT NOT NULL,
kinds TEXT NOT NULL,
created DATETIME NOT NULL,
enabled BOOLEAN NOT NULL,
disabled_why TEXT NOT NULL,
failing_since DATETIME,
CONSTRAINT pk_webhook PRIMARY KEY (library, id)
)
=== embedded_bib_identifiers
CREATE TABLE embedded_bib_identifiers (
library VARCHAR NOT NULL,
type VARCHAR NOT NULL,
value VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
CONSTRAINT pk_embedded_bib_identifiers PRIMARY KEY (library, type, value, bib_id),
CONSTRAINT fk_embedded_bib_identifiers_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id)
)
=== ix_embedded_bib_identifiers_bib
CREATE INDEX ix_embedded_bib_identifiers_bib ON embedded_bib_identifiers (library, bib_id)
=== embedded_bib_words
CREATE TABLE embedded_bib_words (
library VARCHAR NOT NULL,
word VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
CONSTRAINT pk_embedded_bib_words PRIMARY KEY (library, word, bib_id),
CONSTRAINT fk_embedded_bib_words_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id)
)
=== ix_embedded_bib_words_bib
CREATE INDEX ix_embedded_bib_words_bib ON embedded_bib_words (library, bib_id)
=== embedded_bibs
CREATE TABLE embedded_bibs (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
control_number VARCHAR,
title VARCHAR NOT NULL,
author VARCHAR NOT NULL,
identifiers JSON NOT NULL,
edition VARCHAR NOT NULL,
publisher VARCHAR NOT NULL,
place VARCHAR NOT NULL,
published VARCHAR NOT NULL,
series VARCHAR NOT NULL,
pages VARCHAR NOT NULL,
language VARCHAR NOT NULL,
medium VARCHAR NOT NULL,
level VARCHAR NOT NULL,
component_title VARCHAR NOT NULL,
component_author VARCHAR NOT NULL,
suppressed BOOLEAN NOT NULL,
marc BLOB,
created DATETIME NOT NULL,
deleted DATETIME,
CONSTRAINT pk_embedded_bibs PRIMARY KEY (library, id)
)
=== ix_embedded_bibs_control_number
CREATE UNIQUE INDEX ix_embedded_bibs_control_number ON embedded_bibs (library, control_number)
=== embedded_branches
CREATE TABLE embedded_branches (
library VARCHAR NOT NULL,
code VARCHAR NOT NULL,
name VARCHAR NOT NULL,
pickup BOOLEAN NOT NULL,
resource_sharing BOOLEAN NOT NULL,
closed_weekdays JSON NOT NULL,
closed_dates JSON NOT NULL,
CONSTRAINT pk_embedded_branches PRIMARY KEY (library, code)
)
=== embedded_categories
CREATE TABLE embedded_categories (
library VARCHAR NOT NULL,
code VARCHAR NOT NULL,
name VARCHAR NOT NULL,
loan_limit INTEGER,
hold_limit INTEGER,
fee_limit BIGINT,
overdue_limit INTEGER,
CONSTRAINT pk_embedded_categories PRIMARY KEY (library, code)
)
=== embedded_charges
CREATE TABLE embedded_charges (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
"key" VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
type VARCHAR NOT NULL,
amount BIGINT NOT NULL,
currency VARCHAR NOT NULL,
posted DATETIME NOT NULL,
description VARCHAR NOT NULL,
item_barcode VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
paid BIGINT NOT NULL,
CONSTRAINT pk_embedded_charges PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_charges_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id)
)
=== ix_embedded_charges_key
CREATE UNIQUE INDEX ix_embedded_charges_key ON embedded_charges (library, "key")
=== ix_embedded_charges_patron
CREATE INDEX ix_embedded_charges_patron ON embedded_charges (library, patron_id) WHERE paid < amount
=== embedded_holdings
CREATE TABLE embedded_holdings (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
branch VARCHAR NOT NULL,
shelf VARCHAR NOT NULL,
call_number VARCHAR NOT NULL,
deleted DATETIME,
CONSTRAINT pk_embedded_holdings PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_holdings_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id)
)
=== ix_embedded_holdings_bib
CREATE INDEX ix_embedded_holdings_bib ON embedded_holdings (library, bib_id)
=== embedded_holds
CREATE TABLE embedded_holds (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
"key" VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
level VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
item_id VARCHAR,
pickup VARCHAR NOT NULL,
status VARCHAR NOT NULL,
kind VARCHAR NOT NULL,
placed DATETIME NOT NULL,
need_by DATE,
expires DATE,
ready_until DATE,
note VARCHAR NOT NULL,
closed DATETIME,
CONSTRAINT pk_embedded_holds PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_holds_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id),
CONSTRAINT fk_embedded_holds_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id),
CONSTRAINT fk_embedded_holds_item_id FOREIGN KEY(library, item_id) REFERENCES embedded_items (library, id)
)
=== ix_embedded_holds_bib
CREATE INDEX ix_embedded_holds_bib ON embedded_holds (library, bib_id) WHERE closed IS NULL
=== ix_embedded_holds_item
CREATE INDEX ix_embedded_holds_item ON embedded_holds (library, item_id) WHERE closed IS NULL
=== ix_embedded_holds_key
CREATE UNIQUE INDEX ix_embedded_holds_key ON embedded_holds (library, "key")
=== ix_embedded_holds_patron
CREATE INDEX ix_embedded_holds_patron ON embedded_holds (library, patron_id) WHERE closed IS NULL
=== ix_embedded_holds_request
CREATE INDEX ix_embedded_holds_request ON embedded_holds (library, request_id) WHERE request_id <> ''
=== embedded_items
CREATE TABLE embedded_items (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
barcode VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
holding_id VARCHAR NOT NULL,
status VARCHAR NOT NULL,
policy VARCHAR NOT NULL,
home_branch VARCHAR NOT NULL,
home_shelf VARCHAR NOT NULL,
current_branch VARCHAR NOT NULL,
current_shelf VARCHAR NOT NULL,
transit_to VARCHAR NOT NULL,
call_number VARCHAR NOT NULL,
copy_number VARCHAR NOT NULL,
description VARCHAR NOT NULL,
pieces INTEGER NOT NULL,
"temporary" BOOLEAN NOT NULL,
library_use_only BOOLEAN NOT NULL,
renewals_allowed BOOLEAN NOT NULL,
request_id VARCHAR NOT NULL,
lender VARCHAR NOT NULL,
lender_due DATETIME,
due_policy VARCHAR NOT NULL,
note VARCHAR NOT NULL,
"key" VARCHAR,
created DATETIME NOT NULL,
deleted DATETIME,
deleted_key VARCHAR,
CONSTRAINT pk_embedded_items PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_items_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id),
CONSTRAINT fk_embedded_items_holding_id FOREIGN KEY(library, holding_id) REFERENCES embedded_holdings (library, id)
)
=== ix_embedded_items_bib
CREATE INDEX ix_embedded_items_bib ON embedded_items (library, bib_id, id) WHERE deleted IS NULL
=== ix_embedded_items_gone
CREATE INDEX ix_embedded_items_gone ON embedded_items (library, barcode, id) WHERE deleted IS NOT NULL
=== ix_embedded_items_key
CREATE UNIQUE INDEX ix_embedded_items_key ON embedded_items (library, "key")
=== ix_embedded_items_live
CREATE UNIQUE INDEX ix_embedded_items_live ON embedded_items (library, barcode) WHERE deleted IS NULL
=== ix_embedded_items_request
CREATE INDEX ix_embedded_items_request ON embedded_items (library, request_id) WHERE deleted IS NULL AND request_id <> ''
=== embedded_loan_rules
CREATE TABLE embedded_loan_rules (
library VARCHAR NOT NULL,
category VARCHAR NOT NULL,
policy VARCHAR NOT NULL,
loan_days INTEGER,
loan_hours INTEGER,
renewals INTEGER NOT NULL,
renewal_days INTEGER NOT NULL,
fine_per_day BIGINT NOT NULL,
shelf_days INTEGER NOT NULL,
recall_days INTEGER NOT NULL,
CONSTRAINT pk_embedded_loan_rules PRIMARY KEY (library, category, policy)
)
=== embedded_loans
CREATE TABLE embedded_loans (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
"key" VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
item_id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
lent DATETIME NOT NULL,
due DATETIME NOT NULL,
returned DATETIME,
returned_key VARCHAR,
renewals INTEGER NOT NULL,
renewals_allowed BOOLEAN NOT NULL,
recalled DATETIME,
CONSTRAINT pk_embedded_loans PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_loans_item_id FOREIGN KEY(library, item_id) REFERENCES embedded_items (library, id),
CONSTRAINT fk_embedded_loans_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id)
)
=== ix_embedded_loans_item
CREATE INDEX ix_embedded_loans_item ON embedded_loans (library, item_id, id)
=== ix_embedded_loans_open
CREATE UNIQUE INDEX ix_embedded_loans_open ON embedded_loans (library, item_id) WHERE returned IS NULL
=== ix_embedded_loans_patron
CREATE INDEX ix_embedded_loans_patron ON embedded_loans (library, patron_id, due) WHERE returned IS NULL
=== ix_embedded_loans_request
CREATE INDEX ix_embedded_loans_request ON embedded_loans (library, request_id) WHERE request_id <> ''
=== embedded_operations
CREATE TABLE embedded_operations (
library VARCHAR NOT NULL,
"key" VARCHAR NOT NULL,
kind VARCHAR NOT NULL,
subject VARCHAR NOT NULL,
done DATETIME NOT NULL,
CONSTRAINT pk_embedded_operations PRIMARY KEY (library, "key", kind, subject)
)
=== embedded_patron_identifiers
CREATE TABLE embedded_patron_identifiers (
library VARCHAR NOT NULL,
value VARCHAR NOT NULL,
type VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
CONSTRAINT pk_embedded_patron_identifiers PRIMARY KEY (library, value, type),
CONSTRAINT fk_embedded_patron_identifiers_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id)
)
=== ix_embedded_patron_identifiers_patron
CREATE INDEX ix_embedded_patron_identifiers_patron ON embedded_patron_identifiers (library, patron_id)
=== embedded_patrons
CREATE TABLE embedded_patrons (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
identifiers JSON NOT NULL,
surname VARCHAR NOT NULL,
given VARCHAR NOT NULL,
prefix VARCHAR NOT NULL,
initials VARCHAR NOT NULL,
suffix VARCHAR NOT NULL,
is_organisation BOOLEAN NOT NULL,
category VARCHAR NOT NULL,
home_library VARCHAR NOT NULL,
contacts JSON NOT NULL,
blocks JSON NOT NULL,
expires DATE,
language VARCHAR NOT NULL,
date_of_birth DATE,
home_institution VARCHAR NOT NULL,
"temporary" BOOLEAN NOT NULL,
notes VARCHAR NOT NULL,
secret_hash VARCHAR NOT NULL,
"key" VARCHAR,
created DATETIME NOT NULL,
CONSTRAINT pk_embedded_patrons PRIMARY KEY (library, id)
)
=== ix_embedded_patrons_key
CREATE UNIQUE INDEX ix_embedded_patrons_key ON embedded_patrons (library, "key")
=== ix_embedded_patrons_surname
CREATE INDEX ix_embedded_patrons_surname ON embedded_patrons (library, surname)
=== embedded_policies
CREATE TABLE embedded_policies (
library VARCHAR NOT NULL,
code VARCHAR NOT NULL,
name VARCHAR NOT NULL,
circulates BOOLEAN NOT NULL,
holdable BOOLEAN NOT NULL,
renewable BOOLEAN NOT NULL,
recallable BOOLEAN NOT NULL,
CONSTRAINT pk_embedded_policies PRIMARY KEY (library, code)
)
=== embedded_shelves
CREATE TABLE embedded_shelves (
library VARCHAR NOT NULL,
branch VARCHAR NOT NULL,
code VARCHAR NOT NULL,
name VARCHAR NOT NULL,
CONSTRAINT pk_embedded_shelves PRIMARY KEY (library, branch, code)
)
=== api_answer, where PostgreSQL differs
CREATE TABLE api_answer (
library TEXT NOT NULL,
api_key TEXT NOT NULL,
operation TEXT NOT NULL,
idempotency_key TEXT NOT NULL,
request BYTEA NOT NULL,
status INTEGER NOT NULL,
headers TEXT NOT NULL,
body BYTEA NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
reference TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_api_answer PRIMARY KEY (library, api_key, operation, idempotency_key)
)
=== api_key, where PostgreSQL differs
CREATE TABLE api_key (
library TEXT NOT NULL,
prefix TEXT COLLATE "C" NOT NULL,
name TEXT NOT NULL,
digest BYTEA NOT NULL,
scopes TEXT NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
expires TIMESTAMP WITH TIME ZONE,
last_used TIMESTAMP WITH TIME ZONE,
revoked TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_api_key PRIMARY KEY (library, prefix)
)
=== audit_entry, where PostgreSQL differs
CREATE TABLE audit_entry (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
actor TEXT NOT NULL,
action TEXT NOT NULL,
subject TEXT NOT NULL,
detail TEXT NOT NULL,
peer TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_audit_entry PRIMARY KEY (library, id)
)
=== copy_download, where PostgreSQL differs
CREATE TABLE copy_download (
library TEXT NOT NULL,
link TEXT NOT NULL,
count INTEGER NOT NULL,
first_at TIMESTAMP WITH TIME ZONE NOT NULL,
last_at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_copy_download PRIMARY KEY (library, link)
)
=== filed_order, where PostgreSQL differs
CREATE TABLE filed_order (
library TEXT NOT NULL,
profile TEXT NOT NULL,
number TEXT NOT NULL,
place INTEGER NOT NULL,
file_id TEXT COLLATE "C" NOT NULL,
order_id TEXT COLLATE "C" NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
reference TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_filed_order PRIMARY KEY (library, profile, number, place)
)
=== interrupted, where PostgreSQL differs
CREATE TABLE interrupted (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
starts INTEGER NOT NULL,
CONSTRAINT pk_interrupted PRIMARY KEY (library, id)
)
=== library_change, where PostgreSQL differs
CREATE TABLE library_change (
library TEXT NOT NULL,
kind TEXT NOT NULL,
key TEXT NOT NULL,
barcode TEXT NOT NULL,
patron_id TEXT NOT NULL,
request_id TEXT NOT NULL,
record_id TEXT NOT NULL,
begun TIMESTAMP WITH TIME ZONE NOT NULL,
ended TIMESTAMP WITH TIME ZONE,
value TEXT NOT NULL,
CONSTRAINT pk_library_change PRIMARY KEY (library, kind, key)
)
=== mail, where PostgreSQL differs
CREATE TABLE mail (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
mailbox TEXT NOT NULL,
uid_validity BIGINT NOT NULL,
uid BIGINT NOT NULL,
message_id TEXT NOT NULL,
digest TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
outcome TEXT NOT NULL,
profile TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
reason TEXT NOT NULL,
is_open BOOLEAN NOT NULL,
sender TEXT NOT NULL,
subject TEXT NOT NULL,
possible TEXT NOT NULL,
content BYTEA,
key_id TEXT NOT NULL,
closed_by TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
dismissed_at TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_mail PRIMARY KEY (library, id)
)
=== mailbox, where PostgreSQL differs
CREATE TABLE mailbox (
library TEXT NOT NULL,
name TEXT NOT NULL,
uid_validity BIGINT NOT NULL,
highest_uid BIGINT NOT NULL,
seen TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_mailbox PRIMARY KEY (library, name)
)
=== mailbox_failure, where PostgreSQL differs
CREATE TABLE mailbox_failure (
library TEXT NOT NULL,
name TEXT NOT NULL,
since TIMESTAMP WITH TIME ZONE NOT NULL,
reason TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
CONSTRAINT pk_mailbox_failure PRIMARY KEY (library, name)
)
=== message, where PostgreSQL differs
CREATE TABLE message (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
exchange TEXT NOT NULL,
direction TEXT NOT NULL,
profile TEXT NOT NULL,
protocol TEXT NOT NULL,
transport TEXT NOT NULL,
service TEXT NOT NULL,
version TEXT NOT NULL,
peer TEXT NOT NULL,
from_agency TEXT NOT NULL,
to_agency TEXT NOT NULL,
request_id TEXT NOT NULL,
item_id TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
body BYTEA,
body_size INTEGER NOT NULL,
truncated BOOLEAN NOT NULL,
body_key TEXT NOT NULL,
content_type TEXT NOT NULL,
status INTEGER NOT NULL,
outcome TEXT NOT NULL,
reason TEXT NOT NULL,
note TEXT NOT NULL,
duration_ms FLOAT NOT NULL,
repeat_of TEXT NOT NULL,
replay_of TEXT NOT NULL,
node TEXT DEFAULT '' NOT NULL,
patron_mark TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_message PRIMARY KEY (library, id)
)
=== message_request, where PostgreSQL differs
CREATE TABLE message_request (
library TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
exchange TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_message_request PRIMARY KEY (library, request_id, exchange)
)
=== network_report, where PostgreSQL differs
CREATE TABLE network_report (
library TEXT NOT NULL,
member TEXT NOT NULL,
said_library TEXT NOT NULL,
open TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_network_report PRIMARY KEY (library, member)
)
=== node, where PostgreSQL differs
CREATE TABLE node (
id TEXT COLLATE "C" NOT NULL,
place TEXT NOT NULL,
started TIMESTAMP WITH TIME ZONE NOT NULL,
seen TIMESTAMP WITH TIME ZONE NOT NULL,
steady_since TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_node PRIMARY KEY (id)
)
=== order_file, where PostgreSQL differs
CREATE TABLE order_file (
library TEXT NOT NULL,
row_id TEXT COLLATE "C" NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
document TEXT NOT NULL,
CONSTRAINT pk_order_file PRIMARY KEY (library, row_id)
)
=== outbox, where PostgreSQL differs
CREATE TABLE outbox (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
lane TEXT NOT NULL,
place INTEGER NOT NULL,
kind TEXT NOT NULL,
target TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
payload TEXT NOT NULL,
status TEXT NOT NULL,
tries INTEGER NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
next_at TIMESTAMP WITH TIME ZONE NOT NULL,
ready_at TIMESTAMP WITH TIME ZONE,
lease_until TIMESTAMP WITH TIME ZONE,
node TEXT NOT NULL,
ended TIMESTAMP WITH TIME ZONE,
error TEXT NOT NULL,
note TEXT NOT NULL,
error_sentence TEXT NOT NULL,
CONSTRAINT pk_outbox PRIMARY KEY (library, id)
)
=== outbox_lane, where PostgreSQL differs
CREATE TABLE outbox_lane (
library TEXT NOT NULL,
lane TEXT NOT NULL,
head TEXT COLLATE "C" NOT NULL,
last INTEGER NOT NULL,
CONSTRAINT pk_outbox_lane PRIMARY KEY (library, lane)
)
=== page_failure, where PostgreSQL differs
CREATE TABLE page_failure (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
count INTEGER NOT NULL,
since TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_page_failure PRIMARY KEY (library, id)
)
=== page_form, where PostgreSQL differs
CREATE TABLE page_form (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
request_id TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_page_form PRIMARY KEY (library, id)
)
=== page_journey, where PostgreSQL differs
CREATE TABLE page_journey (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
visit TEXT NOT NULL,
nonce TEXT NOT NULL,
verifier TEXT NOT NULL,
back_to TEXT NOT NULL,
expires TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_page_journey PRIMARY KEY (library, id)
)
=== page_session, where PostgreSQL differs
CREATE TABLE page_session (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
patron_id TEXT NOT NULL,
identifier TEXT NOT NULL,
category TEXT NOT NULL,
branch TEXT NOT NULL,
name TEXT NOT NULL,
method TEXT NOT NULL,
proof TEXT NOT NULL,
started TIMESTAMP WITH TIME ZONE NOT NULL,
expires TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_page_session PRIMARY KEY (library, id)
)
=== partner_closure, where PostgreSQL differs
CREATE TABLE partner_closure (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
partner TEXT NOT NULL,
first DATE NOT NULL,
last DATE NOT NULL,
note TEXT NOT NULL,
made_at TIMESTAMP WITH TIME ZONE NOT NULL,
made_by TEXT NOT NULL,
CONSTRAINT pk_partner_closure PRIMARY KEY (library, id)
)
=== partner_message, where PostgreSQL differs
CREATE TABLE partner_message (
library TEXT NOT NULL,
profile TEXT NOT NULL,
message_id TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
refused TEXT NOT NULL,
reason TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_partner_message PRIMARY KEY (library, profile, message_id)
)
=== partner_thing, where PostgreSQL differs
CREATE TABLE partner_thing (
library TEXT NOT NULL,
kind TEXT NOT NULL,
thing TEXT NOT NULL,
profile TEXT NOT NULL,
request_id TEXT NOT NULL,
barcode TEXT NOT NULL,
made_at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_partner_thing PRIMARY KEY (library, kind, thing)
)
=== print_batch, where PostgreSQL differs
CREATE TABLE print_batch (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
number INTEGER NOT NULL,
kind TEXT NOT NULL,
made_at TIMESTAMP WITH TIME ZONE NOT NULL,
made_by TEXT NOT NULL,
printed_at TIMESTAMP WITH TIME ZONE,
printed_by TEXT NOT NULL,
CONSTRAINT pk_print_batch PRIMARY KEY (library, id)
)
=== print_item, where PostgreSQL differs
CREATE TABLE print_item (
library TEXT NOT NULL,
kind TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
batch_id TEXT COLLATE "C" NOT NULL,
position INTEGER NOT NULL,
CONSTRAINT pk_print_item PRIMARY KEY (library, kind, request_id, batch_id)
)
=== processed_message, where PostgreSQL differs
CREATE TABLE processed_message (
library TEXT NOT NULL,
profile TEXT NOT NULL,
key TEXT NOT NULL,
first_message TEXT NOT NULL,
answer_message TEXT NOT NULL,
count INTEGER NOT NULL,
first_at TIMESTAMP WITH TIME ZONE NOT NULL,
last_at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_processed_message PRIMARY KEY (library, profile, key)
)
=== profile_version, where PostgreSQL differs
CREATE TABLE profile_version (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
profile TEXT NOT NULL,
previous TEXT NOT NULL,
digest TEXT NOT NULL,
actor TEXT NOT NULL,
reason TEXT NOT NULL,
content TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_profile_version PRIMARY KEY (library, id),
CONSTRAINT uq_profile_version_previous UNIQUE (library, profile, previous)
)
=== replay_job, where PostgreSQL differs
CREATE TABLE replay_job (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
status TEXT NOT NULL,
reason TEXT NOT NULL,
begun TIMESTAMP WITH TIME ZONE NOT NULL,
begun_by TEXT NOT NULL,
ended TIMESTAMP WITH TIME ZONE,
search TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_replay_job PRIMARY KEY (library, id)
)
=== replay_message, where PostgreSQL differs
CREATE TABLE replay_message (
library TEXT NOT NULL,
job TEXT COLLATE "C" NOT NULL,
position INTEGER NOT NULL,
message TEXT COLLATE "C" NOT NULL,
status TEXT NOT NULL,
reason TEXT NOT NULL,
reason_sentence TEXT NOT NULL,
replay TEXT COLLATE "C" NOT NULL,
ended TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_replay_message PRIMARY KEY (library, job, position)
)
=== request, where PostgreSQL differs
CREATE TABLE request (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
role TEXT NOT NULL,
state TEXT NOT NULL,
is_open BOOLEAN NOT NULL,
number TEXT COLLATE "C" NOT NULL,
partner TEXT NOT NULL,
patron_id TEXT NOT NULL,
branch TEXT NOT NULL,
service TEXT DEFAULT '' NOT NULL,
assignee TEXT DEFAULT '' NOT NULL,
labels TEXT DEFAULT '' NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
changed TIMESTAMP WITH TIME ZONE NOT NULL,
need_by DATE,
fingerprint TEXT NOT NULL,
words TEXT NOT NULL,
title TEXT COLLATE "C" DEFAULT '' NOT NULL,
tasks TEXT NOT NULL,
external TEXT NOT NULL,
terms TEXT DEFAULT '' NOT NULL,
loads TEXT NOT NULL,
supplied INTEGER NOT NULL,
version INTEGER NOT NULL,
document TEXT NOT NULL,
CONSTRAINT pk_request PRIMARY KEY (library, id)
)
=== request_barcode, where PostgreSQL differs
CREATE TABLE request_barcode (
library TEXT NOT NULL,
barcode TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_request_barcode PRIMARY KEY (library, barcode, request_id)
)
=== request_event, where PostgreSQL differs
CREATE TABLE request_event (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
before TEXT NOT NULL,
after TEXT NOT NULL,
denied TEXT NOT NULL,
note TEXT NOT NULL,
document TEXT NOT NULL,
exchange TEXT DEFAULT '' NOT NULL,
CONSTRAINT pk_request_event PRIMARY KEY (library, id)
)
=== request_external, where PostgreSQL differs
CREATE TABLE request_external (
library TEXT NOT NULL,
value TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_request_external PRIMARY KEY (library, value, request_id)
)
=== request_figure, where PostgreSQL differs
CREATE TABLE request_figure (
library TEXT NOT NULL,
month INTEGER NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
attempt INTEGER NOT NULL,
role TEXT NOT NULL,
is_copy BOOLEAN NOT NULL,
branch TEXT NOT NULL,
partner TEXT NOT NULL,
outcome TEXT NOT NULL,
reason TEXT NOT NULL,
asked_hours INTEGER,
sent_hours INTEGER,
came_hours INTEGER,
currency TEXT NOT NULL,
cost BIGINT NOT NULL,
CONSTRAINT pk_request_figure PRIMARY KEY (library, month, request_id, attempt)
)
=== request_file, where PostgreSQL differs
CREATE TABLE request_file (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
content BYTEA NOT NULL,
CONSTRAINT pk_request_file PRIMARY KEY (library, id)
)
=== request_message, where PostgreSQL differs
CREATE TABLE request_message (
library TEXT NOT NULL,
event_id TEXT COLLATE "C" NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
role TEXT NOT NULL,
kind TEXT NOT NULL,
attempt INTEGER NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
read_at TIMESTAMP WITH TIME ZONE,
read_by TEXT NOT NULL,
CONSTRAINT pk_request_message PRIMARY KEY (library, event_id)
)
=== request_task, where PostgreSQL differs
CREATE TABLE request_task (
library TEXT NOT NULL,
task TEXT NOT NULL,
changed TIMESTAMP WITH TIME ZONE NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
since TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_request_task PRIMARY KEY (library, task, changed, request_id)
)
=== request_term, where PostgreSQL differs
CREATE TABLE request_term (
library TEXT NOT NULL,
kind TEXT NOT NULL,
term TEXT COLLATE "C" NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_request_term PRIMARY KEY (library, kind, term, request_id)
)
=== request_timer, where PostgreSQL differs
CREATE TABLE request_timer (
library TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
timer TEXT NOT NULL,
at TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_request_timer PRIMARY KEY (library, request_id, timer)
)
=== request_transaction, where PostgreSQL differs
CREATE TABLE request_transaction (
library TEXT NOT NULL,
role TEXT NOT NULL,
symbol TEXT NOT NULL,
reference TEXT NOT NULL,
request_id TEXT COLLATE "C" NOT NULL,
attempt INTEGER NOT NULL,
CONSTRAINT pk_request_transaction PRIMARY KEY (library, role, symbol, reference)
)
=== retention, where PostgreSQL differs
CREATE TABLE retention (
library TEXT NOT NULL,
bodies_until TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_retention PRIMARY KEY (library)
)
=== saved_filter, where PostgreSQL differs
CREATE TABLE saved_filter (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
owner TEXT NOT NULL,
place TEXT NOT NULL,
name TEXT NOT NULL,
query TEXT NOT NULL,
shared BOOLEAN NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_saved_filter PRIMARY KEY (library, id)
)
=== server_secret, where PostgreSQL differs
CREATE TABLE server_secret (
library TEXT NOT NULL,
name TEXT NOT NULL,
value BYTEA NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_server_secret PRIMARY KEY (library, name)
)
=== staff_code_wait, where PostgreSQL differs
CREATE TABLE staff_code_wait (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
confirms BOOLEAN NOT NULL,
expires TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_staff_code_wait PRIMARY KEY (library, id)
)
=== staff_grant, where PostgreSQL differs
CREATE TABLE staff_grant (
library TEXT NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
role TEXT NOT NULL,
branch TEXT NOT NULL,
CONSTRAINT pk_staff_grant PRIMARY KEY (library, user_id, role, branch)
)
=== staff_identity, where PostgreSQL differs
CREATE TABLE staff_identity (
library TEXT NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
issuer TEXT NOT NULL,
subject TEXT NOT NULL,
linked TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_staff_identity PRIMARY KEY (library, user_id)
)
=== staff_provider_grant, where PostgreSQL differs
CREATE TABLE staff_provider_grant (
library TEXT NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
role TEXT NOT NULL,
branch TEXT NOT NULL,
CONSTRAINT pk_staff_provider_grant PRIMARY KEY (library, user_id, role, branch)
)
=== staff_recovery_code, where PostgreSQL differs
CREATE TABLE staff_recovery_code (
library TEXT NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
digest TEXT NOT NULL,
CONSTRAINT pk_staff_recovery_code PRIMARY KEY (library, user_id, digest)
)
=== staff_second_factor, where PostgreSQL differs
CREATE TABLE staff_second_factor (
library TEXT NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
secret BYTEA NOT NULL,
secret_key TEXT NOT NULL,
confirmed TIMESTAMP WITH TIME ZONE,
last_step BIGINT NOT NULL,
CONSTRAINT pk_staff_second_factor PRIMARY KEY (library, user_id)
)
=== staff_session, where PostgreSQL differs
CREATE TABLE staff_session (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
user_id TEXT COLLATE "C" NOT NULL,
method TEXT NOT NULL,
started TIMESTAMP WITH TIME ZONE NOT NULL,
expires TIMESTAMP WITH TIME ZONE NOT NULL,
confirmed TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_staff_session PRIMARY KEY (library, id)
)
=== staff_user, where PostgreSQL differs
CREATE TABLE staff_user (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
name TEXT NOT NULL,
shown_name TEXT NOT NULL,
email TEXT NOT NULL,
subject TEXT NOT NULL,
password_hash TEXT NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
disabled TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_staff_user PRIMARY KEY (library, id)
)
=== task_leader, where PostgreSQL differs
CREATE TABLE task_leader (
task TEXT NOT NULL,
node TEXT COLLATE "C" NOT NULL,
CONSTRAINT pk_task_leader PRIMARY KEY (task)
)
=== webhook, where PostgreSQL differs
CREATE TABLE webhook (
library TEXT NOT NULL,
id TEXT COLLATE "C" NOT NULL,
name TEXT NOT NULL,
url TEXT NOT NULL,
secret TEXT NOT NULL,
kinds TEXT NOT NULL,
created TIMESTAMP WITH TIME ZONE NOT NULL,
enabled BOOLEAN NOT NULL,
disabled_why TEXT NOT NULL,
failing_since TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_webhook PRIMARY KEY (library, id)
)
=== embedded_bibs, where PostgreSQL differs
CREATE TABLE embedded_bibs (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
control_number VARCHAR,
title VARCHAR NOT NULL,
author VARCHAR NOT NULL,
identifiers JSON NOT NULL,
edition VARCHAR NOT NULL,
publisher VARCHAR NOT NULL,
place VARCHAR NOT NULL,
published VARCHAR NOT NULL,
series VARCHAR NOT NULL,
pages VARCHAR NOT NULL,
language VARCHAR NOT NULL,
medium VARCHAR NOT NULL,
level VARCHAR NOT NULL,
component_title VARCHAR NOT NULL,
component_author VARCHAR NOT NULL,
suppressed BOOLEAN NOT NULL,
marc BYTEA,
created TIMESTAMP WITH TIME ZONE NOT NULL,
deleted TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_embedded_bibs PRIMARY KEY (library, id)
)
=== embedded_charges, where PostgreSQL differs
CREATE TABLE embedded_charges (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
key VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
type VARCHAR NOT NULL,
amount BIGINT NOT NULL,
currency VARCHAR NOT NULL,
posted TIMESTAMP WITH TIME ZONE NOT NULL,
description VARCHAR NOT NULL,
item_barcode VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
paid BIGINT NOT NULL,
CONSTRAINT pk_embedded_charges PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_charges_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id)
)
=== ix_embedded_charges_key, where PostgreSQL differs
CREATE UNIQUE INDEX ix_embedded_charges_key ON embedded_charges (library, key)
=== embedded_holdings, where PostgreSQL differs
CREATE TABLE embedded_holdings (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
branch VARCHAR NOT NULL,
shelf VARCHAR NOT NULL,
call_number VARCHAR NOT NULL,
deleted TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_embedded_holdings PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_holdings_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id)
)
=== embedded_holds, where PostgreSQL differs
CREATE TABLE embedded_holds (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
key VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
level VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
item_id VARCHAR,
pickup VARCHAR NOT NULL,
status VARCHAR NOT NULL,
kind VARCHAR NOT NULL,
placed TIMESTAMP WITH TIME ZONE NOT NULL,
need_by DATE,
expires DATE,
ready_until DATE,
note VARCHAR NOT NULL,
closed TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_embedded_holds PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_holds_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id),
CONSTRAINT fk_embedded_holds_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id),
CONSTRAINT fk_embedded_holds_item_id FOREIGN KEY(library, item_id) REFERENCES embedded_items (library, id)
)
=== ix_embedded_holds_key, where PostgreSQL differs
CREATE UNIQUE INDEX ix_embedded_holds_key ON embedded_holds (library, key)
=== embedded_items, where PostgreSQL differs
CREATE TABLE embedded_items (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
barcode VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
holding_id VARCHAR NOT NULL,
status VARCHAR NOT NULL,
policy VARCHAR NOT NULL,
home_branch VARCHAR NOT NULL,
home_shelf VARCHAR NOT NULL,
current_branch VARCHAR NOT NULL,
current_shelf VARCHAR NOT NULL,
transit_to VARCHAR NOT NULL,
call_number VARCHAR NOT NULL,
copy_number VARCHAR NOT NULL,
description VARCHAR NOT NULL,
pieces INTEGER NOT NULL,
temporary BOOLEAN NOT NULL,
library_use_only BOOLEAN NOT NULL,
renewals_allowed BOOLEAN NOT NULL,
request_id VARCHAR NOT NULL,
lender VARCHAR NOT NULL,
lender_due TIMESTAMP WITH TIME ZONE,
due_policy VARCHAR NOT NULL,
note VARCHAR NOT NULL,
key VARCHAR,
created TIMESTAMP WITH TIME ZONE NOT NULL,
deleted TIMESTAMP WITH TIME ZONE,
deleted_key VARCHAR,
CONSTRAINT pk_embedded_items PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_items_bib_id FOREIGN KEY(library, bib_id) REFERENCES embedded_bibs (library, id),
CONSTRAINT fk_embedded_items_holding_id FOREIGN KEY(library, holding_id) REFERENCES embedded_holdings (library, id)
)
=== ix_embedded_items_key, where PostgreSQL differs
CREATE UNIQUE INDEX ix_embedded_items_key ON embedded_items (library, key)
=== embedded_loans, where PostgreSQL differs
CREATE TABLE embedded_loans (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
key VARCHAR NOT NULL,
request_id VARCHAR NOT NULL,
item_id VARCHAR NOT NULL,
bib_id VARCHAR NOT NULL,
patron_id VARCHAR NOT NULL,
lent TIMESTAMP WITH TIME ZONE NOT NULL,
due TIMESTAMP WITH TIME ZONE NOT NULL,
returned TIMESTAMP WITH TIME ZONE,
returned_key VARCHAR,
renewals INTEGER NOT NULL,
renewals_allowed BOOLEAN NOT NULL,
recalled TIMESTAMP WITH TIME ZONE,
CONSTRAINT pk_embedded_loans PRIMARY KEY (library, id),
CONSTRAINT fk_embedded_loans_item_id FOREIGN KEY(library, item_id) REFERENCES embedded_items (library, id),
CONSTRAINT fk_embedded_loans_patron_id FOREIGN KEY(library, patron_id) REFERENCES embedded_patrons (library, id)
)
=== embedded_operations, where PostgreSQL differs
CREATE TABLE embedded_operations (
library VARCHAR NOT NULL,
key VARCHAR NOT NULL,
kind VARCHAR NOT NULL,
subject VARCHAR NOT NULL,
done TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_embedded_operations PRIMARY KEY (library, key, kind, subject)
)
=== embedded_patrons, where PostgreSQL differs
CREATE TABLE embedded_patrons (
library VARCHAR NOT NULL,
id VARCHAR NOT NULL,
identifiers JSON NOT NULL,
surname VARCHAR NOT NULL,
given VARCHAR NOT NULL,
prefix VARCHAR NOT NULL,
initials VARCHAR NOT NULL,
suffix VARCHAR NOT NULL,
is_organisation BOOLEAN NOT NULL,
category VARCHAR NOT NULL,
home_library VARCHAR NOT NULL,
contacts JSON NOT NULL,
blocks JSON NOT NULL,
expires DATE,
language VARCHAR NOT NULL,
date_of_birth DATE,
home_institution VARCHAR NOT NULL,
temporary BOOLEAN NOT NULL,
notes VARCHAR NOT NULL,
secret_hash VARCHAR NOT NULL,
key VARCHAR,
created TIMESTAMP WITH TIME ZONE NOT NULL,
CONSTRAINT pk_embedded_patrons PRIMARY KEY (library, id)
)
=== ix_embedded_patrons_key, where PostgreSQL differs
CREATE UNIQUE INDEX ix_embedded_patrons_key ON embedded_patrons (library, key)
