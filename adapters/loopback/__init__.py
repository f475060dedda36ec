"""Partners in the same process: two gateways, or two libraries of one, joined without a network."""

from adapters.loopback.channel import LoopbackChannel
from adapters.loopback.codec import LoopbackDialect
from gateway.ports.adapter import ChannelAdapter

adapter = ChannelAdapter(name="loopback", section="loopback", dialect=LoopbackDialect, make=LoopbackChannel)
