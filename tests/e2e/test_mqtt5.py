"""What MQTT 5 adds: properties, aliases, subscription options and identifiers, expiry, will delay, reason codes."""
import time

import pytest

from kit import wire
from kit.wire import Wire


def pair(broker, uid, **connect_arguments):
    return (Wire.open(broker.port, f"{uid}s", 5, **connect_arguments), Wire.open(broker.port, f"{uid}p", 5))


def test_properties_arrive_unaltered_and_in_order(broker, uid):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/t", 1)
    props = {"payload_format": 1, "content_type": "text/ä", "response_topic": f"{uid}/r", "correlation_data": b"\0\1",
             "user": [("b", "1"), ("a", "2"), ("b", "3"), ("", "")]}
    p.publish_acked(f"{uid}/t", "x", props=props)
    assert s.take().props == props  # [MQTT-3.3.2-4], -15, -16, -17, -18, -20


def test_the_server_gives_a_client_its_name(broker, uid):
    a, b = (Wire.open(broker.port, "", 5) for _ in range(2))
    names = [c.connack.props["assigned_client_id"] for c in (a, b)]
    assert all(names) and names[0] != names[1]
    a.ping()


def test_3_1_1_may_leave_its_name_out_only_with_a_clean_session(broker, uid):
    Wire.open(broker.port, "", 4).ping()
    c = Wire(broker.port, 4)
    c.send(wire.connect("", 4, clean=False))
    assert [p.reason for p in c.expect_closed()] == [2]  # [MQTT-3.1.3-8], [MQTT-3.1.3-9]


def test_topic_aliases_of_a_publisher(broker, uid):
    s, p = pair(broker, uid)
    assert p.connack.props["topic_alias_maximum"] >= 2
    s.subscribe(f"{uid}/#", 1)
    p.publish_acked(f"{uid}/a", "1", props={"topic_alias": 1})
    p.publish_acked(f"{uid}/b", "2", props={"topic_alias": 2})
    p.publish_acked("", "3", props={"topic_alias": 1})
    p.publish_acked(f"{uid}/c", "4", props={"topic_alias": 1})
    p.publish_acked("", "5", props={"topic_alias": 1})
    got = [s.take() for _ in range(5)]
    assert [(m.topic[len(uid):], m.payload) for m in got] == [
        ("/a", b"1"), ("/b", b"2"), ("/a", b"3"), ("/c", b"4"), ("/c", b"5")]
    assert all("topic_alias" not in m.props for m in got)  # the receiver has allowed none


@pytest.mark.parametrize("alias, reasons", [(0, [0x94]), (65535, [0x94]), (3, [0x82])])
def test_an_alias_that_is_none_is_an_error(broker, uid, alias, reasons):
    _, p = pair(broker, uid)
    topic = "" if alias == 3 else f"{uid}/t"
    p.publish(topic, "x", 1, props={"topic_alias": alias})
    said = [q.reason for q in p.expect_closed() if q.kind == "disconnect"]
    assert said == reasons or not broker.is_dunlin  # [MQTT-3.3.2-8], [MQTT-3.3.2-9]


def test_no_topic_and_no_alias_is_an_error(broker, uid):
    _, p = pair(broker, uid)
    p.publish("", "x", 1)
    said = [q.reason for q in p.expect_closed() if q.kind == "disconnect"]
    assert said in ([0x82], [0x90]) or not broker.is_dunlin


def test_subscription_identifiers(broker, uid):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/a/+", 1, props={"subscription_id": 7})
    s.subscribe(f"{uid}/b/c", 1, props={"subscription_id": 268_435_455})
    s.subscribe(f"{uid}/b/d", 1)
    p.publish_acked(f"{uid}/a/x", "1")
    p.publish_acked(f"{uid}/b/c", "2")
    p.publish_acked(f"{uid}/b/d", "3")
    got = sorted((s.take() for _ in range(3)), key=lambda m: m.payload)
    assert [m.props.get("subscription_id") for m in got] == [[7], [268_435_455], None]  # [MQTT-3.3.4-3]
    s.subscribe(f"{uid}/a/+", 1, props={"subscription_id": 8})  # replaced
    p.publish_acked(f"{uid}/a/x", "4")
    assert s.take().props["subscription_id"] == [8]


def test_overlapping_subscriptions_name_all_their_identifiers(broker, uid):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/a/+", 0, props={"subscription_id": 1})
    s.subscribe(f"{uid}/a/#", 2, props={"subscription_id": 2})
    s.subscribe(f"{uid}/a/x", 1, props={"subscription_id": 3})
    p.publish_acked(f"{uid}/a/x", "1", 2)
    p.publish_acked(f"{uid}/end", "")
    got = []
    while sum(len(m.props.get("subscription_id", [])) for m in got) < 3:
        got.append(s.take())
    s.expect_nothing()
    assert sorted(i for m in got for i in m.props["subscription_id"]) == [1, 2, 3]
    assert max(m.qos for m in got) == 2  # [MQTT-3.3.4-2]
    if len(got) == 1:
        assert got[0].qos == 2


@pytest.mark.parametrize("subscription_id", [0])
def test_subscription_identifier_0_is_an_error(broker, uid, subscription_id):
    s, _ = pair(broker, uid)
    s.send(wire.subscribe(1, [(f"{uid}/t", 0)], 5, {"subscription_id": subscription_id}))
    s.expect_closed()


def test_no_local(broker, uid):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/t", 1, no_local=True)
    s.subscribe(f"{uid}/u", 1)
    s.publish(f"{uid}/t", "own")
    s.publish(f"{uid}/u", "own too")
    assert s.take().payload == b"own too"  # [MQTT-3.8.3-3]
    p.publish_acked(f"{uid}/t", "other")
    assert s.take().payload == b"other"


@pytest.mark.parametrize("handling, new, again", [(0, True, True), (1, True, False), (2, False, False)])
def test_retain_handling(broker, uid, handling, new, again):
    s, p = pair(broker, uid)
    p.publish_acked(f"{uid}/t", "kept", retain=True)
    for expected in (new, again):
        assert s.subscribe(f"{uid}/t", 1, retain_handling=handling) == 1
        if expected:
            m = s.take()
            assert m.payload == b"kept" and m.retain
        else:
            s.expect_nothing(0.2)
    p.publish_acked(f"{uid}/t", "", retain=True)


@pytest.mark.parametrize("as_published", [True, False])
def test_retain_as_published(broker, uid, as_published):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/t", 1, retain_as_published=as_published)
    p.publish_acked(f"{uid}/t", "x", retain=True)
    p.publish_acked(f"{uid}/t", "y")
    assert [s.take().retain, s.take().retain] == [as_published, False]  # [MQTT-3.3.1-12], -13
    p.publish_acked(f"{uid}/t", "", retain=True)


def test_message_expiry_is_counted_down(broker, uid):
    keep = {"clean": False, "props": {"session_expiry": 600}}
    s, p = pair(broker, uid, **keep)
    s.subscribe(f"{uid}/t", 1)
    s.disconnect()
    p.publish_acked(f"{uid}/t", "short", props={"message_expiry": 1})
    p.publish_acked(f"{uid}/t", "long", props={"message_expiry": 600})
    p.publish_acked(f"{uid}/t", "ever")
    time.sleep(2.2)
    s = Wire.open(broker.port, f"{uid}s", 5, **keep)
    m = s.take()
    assert m.payload == b"long" and 590 <= m.props["message_expiry"] <= 598  # [MQTT-3.3.2-6]
    m = s.take()
    assert m.payload == b"ever" and "message_expiry" not in m.props


def test_a_retained_message_expires(broker, uid):
    s, p = pair(broker, uid)
    p.publish_acked(f"{uid}/t", "short", retain=True, props={"message_expiry": 1})
    s.subscribe(f"{uid}/t", 1)
    assert s.take().payload == b"short"
    time.sleep(2.2)
    s.subscribe(f"{uid}/t", 1)
    s.expect_nothing()


def test_a_will_waits_for_its_delay(broker, uid):
    s, _ = pair(broker, uid)
    s.subscribe(f"{uid}/will", 1)
    will = {"topic": f"{uid}/will", "payload": "gone", "qos": 1,
            "props": {"will_delay": 2, "content_type": "c", "user": [("a", "b")]}}
    begin = time.monotonic()
    Wire.open(broker.port, f"{uid}c", 5, will=will, props={"session_expiry": 60}).close()
    m = s.take()
    assert 1.5 <= time.monotonic() - begin <= 8
    assert m.payload == b"gone" and m.props == {"content_type": "c", "user": [("a", "b")]}


def test_coming_back_in_time_cancels_the_will(broker, uid):
    s, p = pair(broker, uid)
    s.subscribe(f"{uid}/#", 1)
    will = {"topic": f"{uid}/will", "payload": "gone", "qos": 1, "props": {"will_delay": 1}}
    Wire.open(broker.port, f"{uid}c", 5, will=will, props={"session_expiry": 60}).close()
    time.sleep(0.2)
    c = Wire.open(broker.port, f"{uid}c", 5, clean=False, props={"session_expiry": 60})
    time.sleep(2.5)
    p.publish_acked(f"{uid}/end", "end")
    assert s.take().topic == f"{uid}/end"  # [MQTT-3.1.3-9]
    c.disconnect()


@pytest.mark.dunlin  # Debian's mosquitto does otherwise
def test_the_will_comes_when_the_session_ends_before_the_delay(broker, uid):
    s, _ = pair(broker, uid)
    s.subscribe(f"{uid}/will", 1)
    will = {"topic": f"{uid}/will", "payload": "gone", "qos": 1, "props": {"will_delay": 600}}
    Wire.open(broker.port, f"{uid}c", 5, will=will).close()  # session expiry 0
    assert s.take(8).payload == b"gone"


def test_disconnect_with_will(broker, uid):
    s, _ = pair(broker, uid)
    s.subscribe(f"{uid}/will", 1)
    c = Wire.open(broker.port, f"{uid}c", 5, will={"topic": f"{uid}/will", "payload": "asked for"})
    c.disconnect(0x04)
    assert s.take().payload == b"asked for"


def test_a_packet_bigger_than_the_client_takes_is_not_sent(broker, uid):
    s, p = pair(broker, uid, props={"maximum_packet_size": 200})
    s.subscribe(f"{uid}/t", 1)
    p.publish_acked(f"{uid}/t", "x" * 500)
    p.publish_acked(f"{uid}/t", "small")
    assert s.take().payload == b"small"  # [MQTT-3.1.2-24], -25


def test_unsuback_tells_what_was_there(broker, uid):
    s, _ = pair(broker, uid)
    s.subscribe(f"{uid}/t", 1)
    assert s.unsubscribe(f"{uid}/t") == [0]
    assert s.unsubscribe(f"{uid}/t") == [0x11]


def test_one_subscribe_with_many_filters_is_answered_in_order(broker, uid):
    s, _ = pair(broker, uid)
    s.send(wire.subscribe(9, [(f"{uid}/a", 0), (f"{uid}/b", 1), (f"{uid}/c", 2)], 5))
    p = s.expect("suback")
    assert (p.pid, p.codes) == (9, [0, 1, 2])


@pytest.mark.dunlin
def test_publishing_to_nobody_is_told(broker, uid):
    _, p = pair(broker, uid)
    assert p.publish_acked(f"{uid}/nobody", "x", 1) in (0, 0x10)
    assert p.publish_acked(f"{uid}/nobody", "x", 2) in (0, 0x10)


def test_an_unknown_authentication_method_is_refused(broker, uid):
    c = Wire(broker.port, 5)
    c.send(wire.connect(uid, 5, props={"auth_method": "none-of-ours"}))
    assert [p.reason for p in c.expect_closed()] == [0x8C]


def test_a_session_that_was_to_end_cannot_be_made_to_stay(broker, uid):
    c = Wire.open(broker.port, uid, 5)
    c.send(wire.packet("disconnect", 0, bytes([0]) + wire.encode_props({"session_expiry": 5})))
    said = [p.reason for p in c.expect_closed() if p.kind == "disconnect"]
    assert said == [0x82] or not broker.is_dunlin  # 3.14.2.2.2


def test_request_and_response(broker, uid):
    asks, answers = pair(broker, uid)
    answers.subscribe(f"{uid}/ask", 1)
    asks.subscribe(f"{uid}/answer", 1)
    asks.publish(f"{uid}/ask", "2+2", props={"response_topic": f"{uid}/answer", "correlation_data": b"42"})
    m = answers.take()
    answers.publish(m.props["response_topic"], "4", props={"correlation_data": m.props["correlation_data"]})
    m = asks.take()
    assert (m.payload, m.props) == (b"4", {"correlation_data": b"42"})


def test_topic_aliases_towards_a_subscriber(broker, uid):
    s, p = pair(broker, uid, props={"topic_alias_maximum": 2})
    s.subscribe(f"{uid}/#", 1)
    for n in range(4):
        p.publish_acked(f"{uid}/a", str(n))
    known, got = {}, []
    for n in range(4):
        m = s.take()
        alias = m.props.get("topic_alias")
        assert alias is None or 1 <= alias <= 2  # [MQTT-3.1.2-26]
        if alias and m.topic:
            known[alias] = m.topic
        got.append(m.topic or known[alias])
    assert got == [f"{uid}/a"] * 4
    assert known or not broker.is_dunlin


@pytest.mark.dunlin
def test_what_the_operator_chooses(make_node):
    node = make_node({"mqtt": {"response_topic_prefix": "reply/%c/", "server_reference": "other:1883",
                               "validate_payload_format": True}})
    c = Wire.open(node.port, "c1", 5, props={"request_response_info": 1})
    assert c.connack.props["response_info"] == "reply/c1/"
    assert c.publish_acked("t", b"\xff", 1, props={"payload_format": 1}) == 0x99
    old = Wire.open(node.port, "c2", 4)
    node.stop()
    told = c.expect_closed()
    assert [p.reason for p in told] == [0x9C] and told[0].props["server_reference"] == "other:1883"
    assert old.expect_closed() == []
