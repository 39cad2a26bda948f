"""Conformance statements about PUBLISH and its acknowledgements, retained messages and order (3.3 - 3.7, 4.3 - 4.6, 4.9 of both
versions); docs/conformance.md lists them. The numbers in the names are MQTT 5.0's."""
import time

import pytest

from kit import wire
from kit.wire import Wire

pytestmark = pytest.mark.dunlin
both = pytest.mark.parametrize("version", [4, 5])


def pair(broker, uid, version=5, qos=2, **more):
    s, p = Wire.open(broker.port, f"{uid}s", version, **more), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/#", qos)
    return s, p


def kept(broker, client_id, version, **props):
    return Wire.open(broker.port, client_id, version, clean=False,
                     props={"session_expiry": 300, **props} if version == 5 else None)


@both
def test_mqtt_3_3_1_1_a_redelivery_has_dup(broker, uid, version):
    """[MQTT-4.4.0-1]: with the identifiers it had, in the order it had."""
    s, p = kept(broker, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/#", 2)
    for n in range(6):
        p.publish_acked(f"{uid}/t", f"{n}", 1 + n % 2)
    first = [s.expect("publish") for _ in range(6)]
    assert not any(m.dup for m in first)  # [MQTT-4.3.2-2, MQTT-4.3.3-2]
    s.close()
    s = kept(broker, f"{uid}s", version)
    again = [s.expect("publish") for _ in range(6)]
    assert [(m.pid, m.payload, m.qos) for m in again] == [(m.pid, m.payload, m.qos) for m in first]
    assert all(m.dup for m in again)
    s.expect_nothing(0.2)  # and at no other time


@both
def test_mqtt_3_3_1_2_qos_0_has_no_dup(broker, uid, version):
    """[MQTT-4.3.1-1, MQTT-2.2.1-2]: nor an identifier."""
    s, p = pair(broker, uid, version)
    p.publish(f"{uid}/t", "x")
    m = s.expect("publish")
    assert (m.qos, m.dup, m.pid) == (0, False, 0)


@both
def test_mqtt_3_3_1_3_dup_is_not_forwarded(broker, uid, version):
    s, p = pair(broker, uid, version)
    for qos in (1, 2):
        p.publish_acked(f"{uid}/t", "x", qos, dup=True)
        assert not s.take().dup


@both
def test_mqtt_2_2_1_4_identifiers_are_not_in_use(broker, uid, version):
    """[MQTT-4.3.2-1, MQTT-4.3.3-1]"""
    s, p = pair(broker, uid, version)
    for n in range(100):
        p.publish_acked(f"{uid}/t", f"{n}", 1 + n % 2)
    got = [s.expect("publish") for _ in range(100)]
    pids = [m.pid for m in got]
    assert 0 not in pids and len(set(pids)) == 100
    for m in got[:50]:
        s.ack("puback" if m.qos == 1 else "pubrec", m.pid)
    for n in range(50):
        p.publish_acked(f"{uid}/t", f"more {n}")
    held = set(pids[50:]) | {m.pid for m in got[:50] if m.qos == 2}  # not free before PUBCOMP
    new = []
    while len(new) < 50:
        m = s.recv()
        new += [m.pid] if m.kind == "publish" else []
    assert not held & set(new)


@both
def test_mqtt_2_2_1_5_acknowledgements_name_their_packet(broker, uid, version):
    """[MQTT-3.3.4-1, MQTT-4.3.2-4, MQTT-4.3.3-8, MQTT-4.3.3-11]"""
    c = Wire.open(broker.port, uid, version)
    for pid in (1, 256, 65535, 7):
        c.publish(f"{uid}/t", "x", 1, pid=pid)
        assert c.expect("puback").pid == pid
        c.publish(f"{uid}/t", "x", 2, pid=pid)
        assert c.expect("pubrec").pid == pid
        c.ack("pubrel", pid)
        assert c.expect("pubcomp").pid == pid


@both
def test_mqtt_4_3_2_5_after_puback_an_identifier_is_free(broker, uid, version):
    s, p = pair(broker, uid, version)
    for n in range(3):
        p.publish_acked(f"{uid}/t", f"{n}", 1, pid=5, dup=n > 0)
        assert s.take().payload == str(n).encode()


@both
def test_mqtt_4_3_3_10_qos_2_is_delivered_once(broker, uid, version):
    s, p = pair(broker, uid, version)
    for n in range(4):
        p.publish(f"{uid}/t", "once", 2, pid=5, dup=n > 0)
        ack = p.expect("pubrec")
        assert (ack.pid, ack.reason) == (5, 0)
    p.ack("pubrel", 5)
    p.expect("pubcomp")
    p.publish_acked(f"{uid}/t", "new", 2, pid=5)  # [MQTT-4.3.3-12]
    assert [s.take().payload for _ in range(2)] == [b"once", b"new"]
    s.expect_nothing(0.2)


@both
def test_mqtt_4_3_3_10_qos_2_is_delivered_once_over_two_connections(broker, uid, version):
    s = Wire.open(broker.port, f"{uid}s", version)
    s.subscribe(f"{uid}/t", 2)
    p = kept(broker, f"{uid}p", version)
    p.publish(f"{uid}/t", "once", 2, pid=5)
    p.expect("pubrec")
    p.close()
    p = kept(broker, f"{uid}p", version)
    p.publish(f"{uid}/t", "once", 2, pid=5, dup=True)
    p.expect("pubrec")
    p.ack("pubrel", 5)
    assert p.expect("pubcomp").reason == 0
    assert s.take().payload == b"once"
    s.expect_nothing(0.2)


@both
def test_mqtt_4_3_3_4_pubrec_is_answered_by_pubrel(broker, uid, version):
    """[MQTT-3.6.1-1]: with flags 2."""
    s, p = pair(broker, uid, version)
    p.publish_acked(f"{uid}/t", "x", 2)
    m = s.expect("publish")
    s.ack("pubrec", m.pid)
    rel = s.expect("pubrel")
    assert (rel.pid, rel.flags, rel.reason) == (m.pid, 2, 0)
    s.ack("pubcomp", m.pid)
    s.expect_nothing(0.1)


@both
def test_mqtt_4_3_3_6_after_pubrel_no_publish_is_sent_again(broker, uid, version):
    """[MQTT-4.3.3-5, MQTT-4.4.0-1]: the PUBREL is."""
    s, p = kept(broker, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "x", 2)
    m = s.expect("publish")
    s.ack("pubrec", m.pid)
    assert s.expect("pubrel").pid == m.pid
    s.close()
    s = kept(broker, f"{uid}s", version)
    again = s.expect("pubrel")
    assert (again.pid, again.flags) == (m.pid, 2)
    s.ack("pubcomp", m.pid)
    s.expect_nothing(0.2)
    s.close()
    kept(broker, f"{uid}s", version).expect_nothing(0.2)


@both
def test_mqtt_4_3_2_3_unacknowledged_until_puback(broker, uid, version):
    """[MQTT-4.3.3-3]"""
    s, p = kept(broker, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    for qos in (1, 2):
        p.publish_acked(f"{uid}/t", f"{qos}", qos)
    for _ in range(3):
        assert [s.expect("publish").payload for _ in range(2)] == [b"1", b"2"]
        s.close()
        s = kept(broker, f"{uid}s", version)
    assert [s.take().payload for _ in range(2)] == [b"1", b"2"]
    s.ping()
    s.close()
    kept(broker, f"{uid}s", version).expect_nothing(0.2)


def test_mqtt_4_4_0_2_an_error_in_an_acknowledgement_ends_the_delivery(broker, uid):
    """[MQTT-4.3.3-4]: PUBREC of 0x80 and above is not followed by PUBREL."""
    s, p = kept(broker, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 2)
    for qos in (1, 2):
        p.publish_acked(f"{uid}/t", f"{qos}", qos)
        s.ack("puback" if qos == 1 else "pubrec", s.expect("publish").pid, 0x80)
    s.expect_nothing(0.2)
    s.close()
    kept(broker, f"{uid}s", 5).expect_nothing(0.2)


def test_mqtt_4_3_3_9_after_an_error_in_pubrec_an_identifier_is_free(broker, uid):
    p = Wire.open(broker.port, uid, 5)
    for _ in range(2):
        p.publish("$SYS/x", "x", 2, pid=5)
        assert p.expect("pubrec").reason >= 0x80
    s = Wire.open(broker.port, f"{uid}s", 5)
    s.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "taken", 2, pid=5)
    assert s.take().payload == b"taken"


def test_mqtt_4_3_3_7_what_was_sent_does_not_expire(broker, uid):
    """[MQTT-4.3.3-13]"""
    s, p = kept(broker, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "x", 2, props={"message_expiry": 1})
    m = s.expect("publish")
    time.sleep(1.3)
    s.ack("pubrec", m.pid)
    assert s.expect("pubrel").pid == m.pid
    s.ack("pubcomp", m.pid)


@both
def test_mqtt_3_3_1_5_a_retained_message_is_replaced(broker, uid, version):
    """[MQTT-3.3.1-8]: one without the flag changes nothing."""
    p = Wire.open(broker.port, f"{uid}p", version)
    for payload, qos in (("one", 1), ("two", 2)):
        p.publish_acked(f"{uid}/r", payload, qos, retain=True)
    p.publish_acked(f"{uid}/r", "not retained")
    s = Wire.open(broker.port, f"{uid}s", version)
    s.subscribe(f"{uid}/r", 2)
    m = s.take()
    assert (m.payload, m.qos, m.retain, m.dup) == (b"two", 2, True, False)
    p.publish(f"{uid}/r", "three", retain=True)  # QoS 0 replaces as well
    assert s.take().payload == b"three"
    again = Wire.open(broker.port, f"{uid}a", version)
    again.subscribe(f"{uid}/r", 2)
    assert again.take().payload == b"three"


@both
def test_mqtt_3_3_1_6_an_empty_one_removes_it(broker, uid, version):
    """[MQTT-3.3.1-7]: and is not kept, but delivered."""
    s, p = pair(broker, uid, version)
    p.publish_acked(f"{uid}/r", "kept", 1, retain=True)
    p.publish_acked(f"{uid}/r", "", 1, retain=True)
    assert [s.take().payload for _ in range(2)] == [b"kept", b""]
    again = Wire.open(broker.port, f"{uid}a", version)
    again.subscribe(f"{uid}/r", 1)
    again.expect_nothing(0.2)


@both
def test_mqtt_3_3_1_9_retained_messages_come_with_the_subscription(broker, uid, version):
    p, s = Wire.open(broker.port, f"{uid}p", version), Wire.open(broker.port, f"{uid}s", version)
    for n in range(5):
        p.publish_acked(f"{uid}/r/{n}", f"{n}", 1, retain=True)
    for _ in range(2):  # each SUBSCRIBE: 5.0 with retain handling 0
        s.subscribe(f"{uid}/r/+", 1)
        got = [s.take() for _ in range(5)]
        assert {m.payload for m in got} == {b"0", b"1", b"2", b"3", b"4"} and all(m.retain for m in got)


def test_mqtt_3_3_1_10_retain_handling_1(broker, uid):
    p, s = Wire.open(broker.port, f"{uid}p", 5), Wire.open(broker.port, f"{uid}s", 5)
    p.publish_acked(f"{uid}/r", "kept", 1, retain=True)
    s.subscribe(f"{uid}/r", 1, retain_handling=1)
    assert s.take().payload == b"kept"
    s.subscribe(f"{uid}/r", 1, retain_handling=1)
    s.expect_nothing(0.2)


def test_mqtt_3_3_1_11_retain_handling_2(broker, uid):
    p, s = Wire.open(broker.port, f"{uid}p", 5), Wire.open(broker.port, f"{uid}s", 5)
    p.publish_acked(f"{uid}/r", "kept", 1, retain=True)
    s.subscribe(f"{uid}/r", 1, retain_handling=2)
    s.expect_nothing(0.2)


@both
def test_mqtt_3_3_1_12_the_flag_is_cleared_for_a_standing_subscription(broker, uid, version):
    s, p = pair(broker, uid, version)
    p.publish_acked(f"{uid}/r", "x", 1, retain=True)
    assert not s.take().retain


def test_mqtt_3_3_1_13_retain_as_published(broker, uid):
    s, p = Wire.open(broker.port, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/r", 1, retain_as_published=True)
    for retain in (True, False):
        p.publish_acked(f"{uid}/r", "x", 1, retain=retain)
        assert s.take().retain == retain


def test_mqtt_3_3_2_4_what_is_forwarded_unaltered(broker, uid):
    """[MQTT-3.3.2-15, -16, -17, -18, -20]"""
    s, p = pair(broker, uid)
    props = {"payload_format": 1, "response_topic": "r/\u20ac", "correlation_data": bytes(range(256)), "content_type": "a/b; c=\u00e9",
             "user": [("z", "1"), ("a", "2"), ("z", "1"), ("", ""), ("\ufeff", "\U0001f600")]}
    p.publish_acked(f"{uid}/t", "text", 2, props=props)
    assert s.take().props == props


def test_mqtt_3_3_2_5_what_waited_too_long_is_not_delivered(broker, uid):
    """[MQTT-3.3.2-6]: what is, says how long it has left."""
    s, p = kept(broker, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 1)
    s.close()
    p.publish_acked(f"{uid}/t", "short", props={"message_expiry": 1})
    p.publish_acked(f"{uid}/t", "long", props={"message_expiry": 100})
    time.sleep(1.5)
    s = kept(broker, f"{uid}s", 5)
    m = s.take()
    assert m.payload == b"long" and 90 <= m.props["message_expiry"] <= 99
    s.expect_nothing(0.2)


def test_mqtt_3_3_2_12_every_alias_up_to_the_maximum(broker, uid):
    """[MQTT-3.3.2-7]: gone with the connection."""
    s, p = pair(broker, uid)
    most = p.connack.props["topic_alias_maximum"]
    for alias in range(1, most + 1):
        p.publish_acked(f"{uid}/{alias}", "set", props={"topic_alias": alias})
    for alias in range(1, most + 1):
        p.publish_acked("", "used", props={"topic_alias": alias})
    got = [s.take() for _ in range(2 * most)]
    assert [m.topic for m in got] == 2 * [f"{uid}/{a}" for a in range(1, most + 1)]
    p = Wire.open(broker.port, f"{uid}p", 5)
    p.publish("", "x", 1, props={"topic_alias": 1})
    assert [m.reason for m in p.expect_closed()] == [0x82]


@both
def test_mqtt_3_3_4_2_overlapping_subscriptions_give_the_highest_qos(broker, uid, version):
    s, p = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    for topic_filter, qos in ((f"{uid}/#", 0), (f"{uid}/+", 2), (f"{uid}/t", 1)):
        s.subscribe(topic_filter, qos)
    p.publish_acked(f"{uid}/t", "x", 2)
    assert s.take().qos == 2
    s.expect_nothing(0.2)


def test_mqtt_3_3_4_3_subscription_identifiers(broker, uid):
    """[MQTT-3.3.4-4]: one copy has those of all that match."""
    s, p = Wire.open(broker.port, f"{uid}s", 5), Wire.open(broker.port, f"{uid}p", 5)
    for topic_filter, number in ((f"{uid}/#", 1), (f"{uid}/+", 268_435_455), (f"{uid}/t", 77), (f"{uid}/no", 5)):
        s.subscribe(topic_filter, 1, props={"subscription_id": number})
    s.subscribe("+/t", 1)
    p.publish_acked(f"{uid}/t", "x")
    assert sorted(s.take().props["subscription_id"]) == [1, 77, 268_435_455]
    s.expect_nothing(0.2)


def test_mqtt_3_3_4_9_no_more_than_the_receive_maximum(broker, uid):
    """[MQTT-3.3.4-10, MQTT-4.9.0-1, -2, -3]: meanwhile everything else is sent."""
    s, p = pair(broker, uid, props={"receive_maximum": 3})
    for n in range(10):
        p.publish_acked(f"{uid}/t", f"{n}", 1 + n % 2)
    first = [s.expect("publish") for _ in range(3)]
    s.expect_nothing(0.2)
    s.ping()
    assert s.subscribe(f"{uid}x", 1) == 1
    s.ack("puback", first[0].pid)
    assert s.expect("publish").payload == b"3"
    s.ack("pubrec", first[1].pid)
    assert s.expect("pubrel").pid == first[1].pid
    s.expect_nothing(0.2)  # a QoS 2 message holds its place until PUBCOMP
    s.ack("pubcomp", first[1].pid)
    assert s.expect("publish").payload == b"4"
    s.expect_nothing(0.2)


@both
def test_mqtt_4_5_0_1_every_match_gets_it(broker, uid, version):
    subscribers = [Wire.open(broker.port, f"{uid}s{n}", version) for n in range(5)]
    for n, s in enumerate(subscribers):
        s.subscribe(f"{uid}/+" if n % 2 else f"{uid}/t", 1)
    away = kept(broker, f"{uid}away", version)
    away.subscribe(f"{uid}/#", 1)
    away.close()
    Wire.open(broker.port, f"{uid}p", version).publish_acked(f"{uid}/t", "x")
    assert [s.take().payload for s in subscribers] == [b"x"] * 5
    assert kept(broker, f"{uid}away", version).take().payload == b"x"


@both
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_mqtt_4_6_0_5_the_order_is_kept(broker, uid, version, qos):
    """[MQTT-4.6.0-6]"""
    s, p = pair(broker, uid, version)
    for n in range(300):
        p.publish(f"{uid}/t", f"{n}", qos)
        if qos == 2:
            p.ack("pubrel", p.last_pid)
    assert [int(s.take().payload) for _ in range(300)] == list(range(300))


@both
def test_mqtt_4_6_0_2_acknowledgements_keep_the_order(broker, uid, version):
    """[MQTT-4.6.0-3]: a client's duty that the server keeps as well; over topics of many shards."""
    c = Wire.open(broker.port, uid, version)
    for qos, kind in ((1, "puback"), (2, "pubrec")):
        pids = [c.publish(f"{uid}/{n}/x", "x", qos) for n in range(100)]
        assert [c.expect(kind).pid for _ in pids] == pids


@both
def test_mqtt_3_3_5_2_of_3_1_1_what_may_not_be_published(broker, uid, version):
    """$SYS is the server's own: 3.1.1 acknowledges and drops it, 5.0 says so."""
    s, c = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, uid, version)
    s.subscribe(f"$SYS/{uid}", 1)
    assert c.publish_acked(f"$SYS/{uid}", "x", 1) == (0x87 if version == 5 else 0)
    s.expect_nothing(0.2)


def test_mqtt_3_4_2_2_problem_information_that_does_not_fit_is_left_out(broker, uid):
    """[MQTT-3.4.2-3, -3.5.2-2, -3.5.2-3, -3.6.2-2, -3.7.2-2, -3.9.2-1, -3.11.2-1]"""
    c = Wire.open(broker.port, uid, 5, props={"maximum_packet_size": 20})
    c.send(wire.publish("$SYS/x", "x", 5, 1, 1))
    ack = c.expect("puback")
    assert (ack.reason, ack.props) == (0x87, {})
    c.send(wire.publish("$SYS/x", "x", 5, 2, 2))
    assert c.expect("pubrec").props == {}
    c.ack("pubrel", 9)
    assert c.expect("pubcomp").props == {}
    c.ack("pubrec", 9)
    assert c.expect("pubrel").props == {}
    c.send(wire.subscribe(3, [("$share/g/a", 1)], 5))
    assert c.expect("suback").props == {}
    c.send(wire.unsubscribe(4, ["none"], 5))
    assert c.expect("unsuback").props == {}


@both
def test_mqtt_1_5_4_3_a_byte_order_mark_is_a_character(broker, uid, version):
    """[MQTT-4.7.3-4]: nothing is normalised."""
    s, p = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    names = [f"{uid}/\ufeffa", f"{uid}/a", f"{uid}/\u00e9", f"{uid}/e\u0301", f"{uid}//a", f"{uid}/A", f"/{uid}/a", f"{uid}/a/"]
    for name in names:
        s.subscribe(name, 1)
    for name in names:
        p.publish_acked(name, "x")
        assert s.take().topic == name
    s.expect_nothing(0.2)


@both
def test_mqtt_4_7_3_3_the_longest_topic(broker, uid, version):
    s, p = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    topic = f"{uid}/" + "t" * (65535 - len(uid) - 1)
    s.subscribe(topic, 1)
    p.publish_acked(topic, "x")
    assert s.take().topic == topic
