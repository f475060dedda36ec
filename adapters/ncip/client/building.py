"""Values to a whole message, and the style in which it is written."""

from __future__ import annotations

from adapters.ncip.client.services import Ask
from adapters.ncip.client.speaking import Speaker
from adapters.ncip.client.values import Values
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.dialect.xml import Extras, Strictness, XmlDialect
from adapters.ncip.messages import LookupVersion, Message, Root
from adapters.ncip.messages.base import elements_of


def build(ask: Ask, values: Values, speaker: Speaker) -> Message:
    """The message in the version of the profile. Raises CannotSay."""
    body = ask.build(values, speaker)
    own_root = isinstance(body, LookupVersion) and values.form == "version-message"
    return Message(
        body=body,
        version=speaker.dialect.xml.version,
        root=Root.VERSION_MESSAGE if own_root else Root.MESSAGE,
    )


def style_for(message: Message, xml: XmlDialect) -> XmlDialect:
    """The style in which a message is written: with elements beyond the schema where it has any, since whoever plays
    a partner and says a thing wants it sent."""
    body = message.body
    says_extra = any(element.extra and getattr(body, name) for name, element in elements_of(type(body)).items())
    return xml.model_copy(update={"extra_elements": Extras.SEND}) if says_extra else xml


def mirrored(dialect: NcipDialect) -> NcipDialect:
    """The dialect as the partner has it: what we read is what the partner writes, and the other way round."""
    xml = dialect.xml
    turned = xml.model_copy(
        update={
            "charset_out": xml.charset_in or xml.charset_out,
            "charset_in": None,
            "strictness": Strictness.LENIENT,
            "date_in": xml.date_in.model_copy(update={"zone": xml.date_out.zone}),
            "date_out": xml.date_out.model_copy(update={"zone": xml.date_in.zone or xml.date_out.zone}),
        }
    )
    return dialect.model_copy(update={"xml": turned})
