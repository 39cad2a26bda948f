"""Conformance statements about CONNECT, CONNACK, wills and sessions (3.1, 3.2, 4.1 of both versions); docs/conformance.md lists them.

The numbers in the names are MQTT 5.0's; where 3.1.1 says the same, the test runs for both.
"""
import time

import pytest

from kit import wire
from kit.slow import SLOW
from kit.wire import Closed, Nothing, Wire

pytestmark = pytest.mark.dunlin
CONFIG = {"limits": {"connect_timeout_ms": 3000}}
both = pytest.mark.parametrize("version", [4, 5])


def kept(broker, client_id, version, **more):
    """Opens a session that outlives its connection."""
    props = {**more.pop("props", {}), "session_expiry": 300} if version == 5 else None
    return Wire.open(broker.port, client_id, version, clean=more.pop("clean", False), props=props, **more)


def watcher(broker, uid, topic):
    s = Wire.open(broker.port, f"{uid}watch", 5)
    s.subscribe(topic, 2, retain_as_published=True)
    return s


@both
def test_mqtt_3_1_2_4_clean_start_discards_the_session(broker, uid, version):
    c = kept(broker, uid, version)
    c.subscribe(f"{uid}/t", 1)
    c.close()
    again = kept(broker, uid, version, clean=True)
    assert not again.connack.session_present  # [MQTT-3.2.2-2]
    Wire.open(broker.port, f"{uid}p").publish_acked(f"{uid}/t", "x")
    again.expect_nothing(0.2)


@both
def test_mqtt_3_1_2_5_a_session_is_resumed(broker, uid, version):
    c = kept(broker, uid, version)
    assert not c.connack.session_present  # [MQTT-3.1.2-6, MQTT-3.2.2-3]
    c.subscribe(f"{uid}/t", 2)
    c.close()
    p = Wire.open(broker.port, f"{uid}p")
    for qos in (1, 2):
        p.publish_acked(f"{uid}/t", f"{qos}", qos)
    again = kept(broker, uid, version)
    assert again.connack.session_present  # [MQTT-3.2.2-3]
    assert [again.take().payload for _ in range(2)] == [b"1", b"2"]


@both
def test_mqtt_3_1_3_2_the_client_identifier_names_the_session(broker, uid, version):
    kept(broker, f"{uid}a", version).close()
    assert not kept(broker, f"{uid}A", version).connack.session_present
    assert kept(broker, f"{uid}a", version).connack.session_present


@both
def test_mqtt_4_1_0_2_a_session_ends_when_it_is_due(broker, uid, version):
    """5.0: the expiry interval has passed; 3.1.1: a clean session ends with its connection."""
    props = {"session_expiry": 1} if version == 5 else None
    Wire.open(broker.port, uid, version, clean=True, props=props).close()
    time.sleep(1.6 if version == 5 else 0)
    assert not kept(broker, uid, version).connack.session_present


def test_mqtt_3_1_2_23_the_session_outlives_the_connection(broker, uid):
    Wire.open(broker.port, uid, 5, props={"session_expiry": 0xFFFFFFFF}).close()
    assert kept(broker, uid, 5).connack.session_present


def test_mqtt_4_1_0_1_the_state_lasts_as_long_as_the_connection(broker, uid):
    c, p = Wire.open(broker.port, uid, 5, props={"session_expiry": 1}), Wire.open(broker.port, f"{uid}p")
    c.subscribe(f"{uid}/t", 1)
    time.sleep(1.6)
    p.publish_acked(f"{uid}/t", "still here")
    assert c.take().payload == b"still here"


@both
def test_mqtt_3_1_2_7_a_will_is_stored_and_published(broker, uid, version):
    s = watcher(broker, uid, f"{uid}/will")
    c = Wire.open(broker.port, uid, version, will={"topic": f"{uid}/will", "payload": "gone", "qos": 1})
    s.expect_nothing(0.1)
    c.close()
    m = s.take()
    assert (m.payload, m.qos, m.retain) == (b"gone", 1, False)  # [MQTT-3.1.2-14]
    s.expect_nothing(0.1)  # once: [MQTT-3.1.2-10]


@both
def test_mqtt_3_1_2_8_disconnect_deletes_the_will(broker, uid, version):
    """[MQTT-3.14.4-3]"""
    s = watcher(broker, uid, f"{uid}/will")
    Wire.open(broker.port, uid, version, will={"topic": f"{uid}/will", "payload": "gone"}).disconnect()
    s.expect_nothing(0.3)


def test_mqtt_3_1_2_8_disconnect_with_will_publishes_it(broker, uid):
    s = watcher(broker, uid, f"{uid}/will")
    Wire.open(broker.port, uid, 5, will={"topic": f"{uid}/will", "payload": "gone"}).disconnect(0x04)
    assert s.take().payload == b"gone"


@both
def test_mqtt_3_1_2_8_a_protocol_error_publishes_the_will(broker, uid, version):
    s = watcher(broker, uid, f"{uid}/will")
    c = Wire.open(broker.port, uid, version, will={"topic": f"{uid}/will", "payload": "gone"})
    c.send(b"\x00\x00")
    c.expect_closed()
    assert s.take().payload == b"gone"


@both
def test_mqtt_3_1_2_10_a_will_that_was_published_is_gone_from_the_session(broker, uid, version):
    s = watcher(broker, uid, f"{uid}/will")
    kept(broker, uid, version, will={"topic": f"{uid}/will", "payload": "gone"}).close()
    assert s.take().payload == b"gone"
    kept(broker, uid, version).close()
    s.expect_nothing(0.3)


@both
def test_mqtt_3_1_2_15_a_retained_will(broker, uid, version):
    Wire.open(broker.port, uid, version, will={"topic": f"{uid}/will", "payload": "gone", "retain": True}).close()
    deadline = time.monotonic() + 5 * SLOW
    while True:
        s = Wire.open(broker.port, f"{uid}s", version)
        s.subscribe(f"{uid}/will", 1)
        try:
            m = s.take(0.3)
            break
        except Nothing:
            assert time.monotonic() < deadline, "the will was not retained"
    assert (m.payload, m.retain) == (b"gone", True)


@both
def test_mqtt_3_1_2_12_no_will_without_the_flag(broker, uid, version):
    """3.1.1's number."""
    s = watcher(broker, uid, f"{uid}/#")
    Wire.open(broker.port, uid, version).close()
    s.expect_nothing(0.2)


def test_mqtt_3_1_3_9_a_new_connection_in_time_cancels_the_will(broker, uid):
    s = watcher(broker, uid, f"{uid}/will")
    will = {"topic": f"{uid}/will", "payload": "gone", "props": {"will_delay": 1}}
    kept(broker, uid, 5, will=will).close()
    c = kept(broker, uid, 5)
    s.expect_nothing(1.5)
    c.disconnect()


def test_mqtt_3_1_2_8_a_delayed_will_waits(broker, uid):
    s = watcher(broker, uid, f"{uid}/will")
    kept(broker, uid, 5, will={"topic": f"{uid}/will", "payload": "gone", "props": {"will_delay": 1}}).close()
    s.expect_nothing(0.6)
    assert s.take(3 * SLOW).payload == b"gone"


def test_mqtt_3_1_2_8_the_end_of_the_session_ends_the_delay(broker, uid):
    s = watcher(broker, uid, f"{uid}/will")
    will = {"topic": f"{uid}/will", "payload": "gone", "props": {"will_delay": 60}}
    Wire.open(broker.port, uid, 5, props={"session_expiry": 1}, will=will).close()
    assert s.take(4 * SLOW).payload == b"gone"


def test_mqtt_3_1_3_10_user_properties_of_a_will_keep_their_order(broker, uid):
    s = watcher(broker, uid, f"{uid}/will")
    user = [("b", "1"), ("a", "2"), ("b", "0"), ("", "")]
    props = {"user": user, "content_type": "text/plain", "payload_format": 1, "response_topic": "r", "correlation_data": b"\0\1"}
    Wire.open(broker.port, uid, 5, will={"topic": f"{uid}/will", "payload": "x", "props": props}).close()
    got = s.take().props
    assert got["user"] == user and {k: got[k] for k in props} == props


@both
def test_mqtt_3_1_2_17_user_name_and_password_are_read(broker, uid, version):
    """[MQTT-3.1.2-19, MQTT-3.1.3-1]: with every field there is, in its order."""
    c = Wire.open(broker.port, uid, version, user="name", password=b"\0secret\xff", will={"topic": "w", "payload": "p", "qos": 2})
    c.ping()


def test_mqtt_3_1_2_19_a_password_without_a_user_name(broker, uid):
    Wire.open(broker.port, uid, 5, password=b"secret").ping()


@both
def test_mqtt_3_1_2_22_keep_alive_is_watched(broker, uid, version):
    s = watcher(broker, uid, f"{uid}/will")
    c = Wire.open(broker.port, uid, version, keep_alive=1, will={"topic": f"{uid}/will", "payload": "silent"})
    begin = time.monotonic()
    said = c.expect_closed(5 * SLOW)
    assert 1.4 <= time.monotonic() - begin <= 3.5 * SLOW
    assert [p.reason for p in said] == ([0x8D] if version == 5 else [])
    assert s.take().payload == b"silent"  # as if the network had failed


@both
def test_mqtt_3_2_2_22_pings_keep_a_connection(broker, uid, version):
    c = Wire.open(broker.port, uid, version, keep_alive=1)
    for _ in range(4):
        time.sleep(0.6)
        c.ping()


@both
def test_mqtt_3_1_3_5_client_identifiers_that_must_be_allowed(broker, uid, version):
    for name in ("0", "zZ9" + uid, "0123456789abcdefghijklm"[:23 - len(uid)] + uid, "NOPQRSTUVWXYZ"):
        Wire.open(broker.port, name, version).ping()


def test_mqtt_3_1_3_6_a_client_without_a_name_gets_one(broker):
    """[MQTT-3.1.3-7, MQTT-3.2.2-16]"""
    names = set()
    for clean in (True, False):
        for _ in range(5):
            c = Wire.open(broker.port, "", 5, clean=clean, props={"session_expiry": 60})
            names.add(c.connack.props["assigned_client_id"])
            c.close()
    assert len(names) == 10
    c = Wire.open(broker.port, names.pop(), 5, clean=False)
    assert c.connack.session_present and "assigned_client_id" not in c.connack.props


def test_mqtt_3_1_3_6_of_3_1_1_clients_without_a_name_are_apart(broker):
    a, b = Wire.open(broker.port, "", 4), Wire.open(broker.port, "", 4)
    a.ping(), b.ping()


@both
def test_mqtt_3_1_4_3_the_older_connection_is_closed(broker, uid, version):
    a = Wire.open(broker.port, uid, version)
    b = Wire.open(broker.port, uid, version)
    assert [p.reason for p in a.expect_closed()] == ([0x8E] if version == 5 else [])
    b.ping()


@both
def test_mqtt_3_1_4_5_accepted(broker, uid, version):
    """[MQTT-3.2.0-1, MQTT-3.2.0-2]: CONNACK comes first, and once, whatever waits."""
    c = kept(broker, uid, version)
    c.subscribe(f"{uid}/#", 1)
    c.close()
    p = Wire.open(broker.port, f"{uid}p")
    for n in range(50):
        p.publish_acked(f"{uid}/t", f"{n}")
    c = Wire(broker.port, version)
    props = {"session_expiry": 300} if version == 5 else None
    c.send(wire.connect(uid, version, clean=False, props=props) + wire.packet("pingreq", 0, b""))
    kinds = [c.recv().kind for _ in range(52)]
    assert kinds[0] == "connack" and sorted(kinds[1:]) == ["pingresp"] + ["publish"] * 50


@both
def test_mqtt_3_1_4_6_nothing_behind_a_refused_connect_is_processed(broker, uid, version):
    s = watcher(broker, uid, f"{uid}/#")
    c = Wire(broker.port, version)
    bad = wire.packet("connect", 0, wire.text("MQTT") + bytes([version, 3, 0, 60]) + (b"\0" if version == 5 else b"")
                      + wire.text(uid))
    c.send(bad + wire.publish(f"{uid}/t", "x", version))
    c.expect_closed()
    s.expect_nothing(0.2)


@both
def test_mqtt_3_1_0_1_who_sends_no_connect_is_closed(broker, uid, version):
    c = Wire(broker.port, version)
    begin = time.monotonic()
    assert c.expect_closed(6 * SLOW) == [] and 2.5 < time.monotonic() - begin < 5 * SLOW


@both
def test_mqtt_3_2_2_1_the_flags_of_connack(broker, uid, version):
    """Every answer's first byte is 0 or 1; decode() of the kit asserts that nothing is behind the end."""
    for clean in (True, False, False):
        c = Wire(broker.port, version)
        props = {"session_expiry": 60} if version == 5 else None
        c.send(wire.connect(uid, version, clean=clean, props=props))
        c.socket.settimeout(5)
        first = c.socket.recv(4096)
        assert first[0] == 0x20 and first[2] in (0, 1)
        c.close()


@both
def test_mqtt_3_2_2_6_a_refusal_says_no_session(broker, uid, version):
    """[MQTT-3.2.2-7]: and closes."""
    kept(broker, uid, version).close()
    c = Wire(broker.port, version)
    if version == 5:
        c.send(wire.connect(uid, 5, clean=False, props={"auth_method": "none such"}))
    else:
        c.send(wire.connect("", 4, clean=False))
    (refusal,) = c.expect_closed()
    assert refusal.reason == (0x8C if version == 5 else 2) and not refusal.session_present


def test_mqtt_3_2_2_19_a_reason_string_that_does_not_fit_is_left_out(broker, uid):
    c = Wire(broker.port, 5)
    c.send(wire.connect(uid, 5, props={"auth_method": "none such", "maximum_packet_size": 12}))
    (refusal,) = c.expect_closed()
    assert refusal.reason == 0x8C and "reason_string" not in refusal.props


def test_mqtt_3_1_2_24_a_connack_that_does_not_fit_is_a_refusal(broker, uid):
    """[MQTT-3.14.0-1]: told by CONNACK, since no DISCONNECT may come before one."""
    c = Wire(broker.port, 5)
    c.send(wire.connect(uid, 5, props={"maximum_packet_size": 8}))
    assert [(p.kind, p.reason) for p in c.expect_closed()] in ([], [("connack", 0x95)])


def test_mqtt_3_1_2_2_an_unknown_level_is_refused(broker, uid):
    c = Wire(broker.port, 5)  # reads both forms
    c.send(wire.packet("connect", 0, wire.text("MQTT") + bytes([9, 2, 0, 60]) + wire.text(uid)))
    assert [p.reason for p in c.expect_closed()] in ([1], [0x84])


def test_mqtt_3_1_2_27_no_alias_for_who_asks_for_none(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/#", 1)
    for _ in range(20):
        p.publish_acked(f"{uid}/a/topic/long/enough/to/pay", "x")
        m = s.take()
        assert "topic_alias" not in m.props and m.topic == f"{uid}/a/topic/long/enough/to/pay"


def test_mqtt_3_1_2_26_aliases_within_the_maximum(broker, uid):
    """[MQTT-3.3.2-8, MQTT-3.3.2-11]: whatever the server does with aliases, they are 1 to 2, and each means what it was set to."""
    s = Wire.open(broker.port, f"{uid}s", 5, props={"topic_alias_maximum": 2})
    p = Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/#", 1)
    known = {}
    for n in range(60):
        topic = f"{uid}/topic/number/{n % 4}"
        p.publish_acked(topic, f"{n}")
        m = s.take()
        alias = m.props.get("topic_alias")
        if alias is not None:
            assert 1 <= alias <= 2
            if m.topic:
                known[alias] = m.topic
            m.topic = known[alias]
        assert m.topic == topic


def test_mqtt_3_1_2_28_no_response_information_unasked(broker, uid):
    assert "response_info" not in Wire.open(broker.port, uid, 5).connack.props
    c = Wire.open(broker.port, uid, 5, props={"request_response_info": 0})
    assert "response_info" not in c.connack.props


def test_mqtt_3_1_2_29_no_problem_information_when_it_is_not_wanted(broker, uid):
    c = Wire.open(broker.port, uid, 5, props={"request_problem_info": 0})
    c.ack("pubrel", 9)
    assert c.expect("pubcomp").props == {}
    c.send(wire.publish("$SYS/x", "x", 5, 1, 1))
    assert c.expect("puback").props == {}
    c.send(wire.subscribe(1, [("$SYS/secret", 0), ("a/#", 1)], 5))
    assert c.expect("suback").props == {}
    c.send(wire.unsubscribe(2, ["none"], 5))
    assert c.expect("unsuback").props == {}


def test_mqtt_3_1_2_24_nothing_larger_than_the_maximum_is_sent(broker, uid):
    """[MQTT-3.1.2-25]: the message counts as delivered, the next one comes."""
    s = Wire.open(broker.port, f"{uid}s", 5, props={"maximum_packet_size": 60, "receive_maximum": 1})
    p = Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 2)
    for qos in (0, 1, 2):
        p.publish_acked(f"{uid}/t", bytes(200), qos) if qos else p.publish(f"{uid}/t", bytes(200))
    p.publish_acked(f"{uid}/t", "small", 1)
    assert s.take().payload == b"small"


@both
def test_mqtt_3_1_2_7_retained_messages_outlive_sessions(broker, uid, version):
    """3.1.1's number."""
    Wire.open(broker.port, uid, version).publish_acked(f"{uid}/r", "kept", 1, retain=True)
    Wire.open(broker.port, uid, version, clean=True).disconnect()
    s = Wire.open(broker.port, f"{uid}s", version)
    s.subscribe(f"{uid}/r")
    assert s.take().payload == b"kept"


def test_mqtt_3_2_2_21_a_lower_keep_alive_is_told(make_node, uid):
    node = make_node({"limits": {"keep_alive_max_s": 2}})
    for asked in (0, 60):
        assert Wire.open(node.port, uid, 5, keep_alive=asked).connack.props["server_keep_alive"] == 2
    assert "server_keep_alive" not in Wire.open(node.port, uid, 5, keep_alive=1).connack.props


def test_mqtt_3_14_2_2_the_server_never_sends_a_session_expiry_in_disconnect(make_node, uid):
    """[MQTT-3.14.0-1] too: no DISCONNECT before the CONNACK."""
    node = make_node()
    c, half = Wire.open(node.port, uid, 5, props={"session_expiry": 60}), Wire(node.port, 5)
    node.stop()
    (bye,) = c.expect_closed()
    assert bye.kind == "disconnect" and bye.reason == 0x8B and "session_expiry" not in bye.props
    try:
        assert half.expect_closed() == []
    except Closed:
        pass
