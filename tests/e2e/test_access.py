"""Who is let in: with access.anonymous off nobody is, since this version has no other way in."""
import pytest

from kit import wire
from kit.wire import Wire


@pytest.mark.parametrize("version, refused", [(3, 5), (4, 5), (5, 0x87)])
def test_nobody_is_let_in_without_anonymous(make_node, version, refused):
    node = make_node({"access": {"anonymous": False}})
    client = Wire(node.port, version)
    client.send(wire.connect("c1", version))
    assert client.expect("connack").reason == refused
    client.expect_closed()
