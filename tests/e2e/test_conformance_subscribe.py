"""Conformance statements about SUBSCRIBE, UNSUBSCRIBE, filters and shared subscriptions (3.8 - 3.11, 4.7, 4.8 of both versions);
docs/conformance.md lists them. The numbers in the names are MQTT 5.0's."""
import pytest

from kit import wire
from kit.wire import Wire

pytestmark = pytest.mark.dunlin
both = pytest.mark.parametrize("version", [4, 5])


@both
def test_mqtt_3_8_4_2_suback_names_its_packet(broker, uid, version):
    """[MQTT-2.2.1-6, MQTT-3.8.4-1]"""
    c = Wire.open(broker.port, uid, version)
    for pid in (1, 65535, 300):
        c.send(wire.subscribe(pid, [(f"{uid}/t", 0)], version))
        assert c.expect("suback").pid == pid
        c.send(wire.unsubscribe(pid, [f"{uid}/t"], version))
        assert c.expect("unsuback").pid == pid  # [MQTT-3.10.4-4, MQTT-3.10.4-5]


@both
def test_mqtt_3_8_4_5_many_filters_one_answer(broker, uid, version):
    """[MQTT-3.8.4-6, -7, MQTT-3.9.3-1]: a code for each, in their order, and each is subscribed."""
    c, p = Wire.open(broker.port, uid, version), Wire.open(broker.port, f"{uid}p", version)
    c.send(wire.subscribe(9, [(f"{uid}/{n}", n % 3) for n in range(30)], version))
    assert c.expect("suback").codes == [n % 3 for n in range(30)]
    for n in range(30):
        p.publish_acked(f"{uid}/{n}", "x", 2)
        assert c.take().qos == n % 3  # [MQTT-3.8.4-8]


@both
def test_mqtt_3_8_4_7_a_refused_filter_among_good_ones(make_node, uid, version):
    node = make_node({"limits": {"wildcard_available": False}})
    c = Wire.open(node.port, uid, version)
    c.send(wire.subscribe(9, [("a", 1), ("a/#", 1), ("b", 2)], version))
    assert c.expect("suback").codes == [1, 0xA2 if version == 5 else 0x80, 2]  # [MQTT-3.9.3-2]


@both
def test_mqtt_3_8_4_3_a_subscription_is_replaced(broker, uid, version):
    """[MQTT-3.8.4-4]: one copy, at the new QoS; retained messages come again and nothing is lost meanwhile."""
    c, p = Wire.open(broker.port, uid, version), Wire.open(broker.port, f"{uid}p", version)
    p.publish_acked(f"{uid}/r", "kept", 1, retain=True)
    c.subscribe(f"{uid}/#", 2)
    assert c.take().payload == b"kept"
    for n in range(30):
        p.publish(f"{uid}/t", f"{n}", 1)
        if n % 10 == 5:
            c.send(wire.subscribe(100 + n, [(f"{uid}/#", 1)], version))
    got, subacks = [], 0
    while len(got) < 30 or subacks < 3:
        m = c.recv()
        if m.kind == "suback":
            subacks += 1
        else:
            c.ack("puback", m.pid)
            if m.payload != b"kept":
                got.append(int(m.payload))
    assert got == list(range(30))


@both
@pytest.mark.parametrize("granted", [0, 1, 2])
def test_mqtt_3_8_4_8_the_lower_qos(broker, uid, version, granted):
    c, p = Wire.open(broker.port, uid, version), Wire.open(broker.port, f"{uid}p", version)
    assert c.subscribe(f"{uid}/t", granted) == granted
    for qos in (0, 1, 2):
        p.publish_acked(f"{uid}/t", "x", qos) if qos else p.publish(f"{uid}/t", "x")
        assert c.take().qos == min(qos, granted)


def test_mqtt_3_8_3_3_no_local(broker, uid):
    c, p = Wire.open(broker.port, uid, 5, clean=False, props={"session_expiry": 60}), Wire.open(broker.port, f"{uid}p", 5)
    c.subscribe(f"{uid}/#", 1, no_local=True)
    c.publish_acked(f"{uid}/t", "mine")
    p.publish_acked(f"{uid}/t", "theirs")
    assert c.take().payload == b"theirs"
    c.close()
    c = Wire.open(broker.port, uid, 5, clean=False)  # it goes by the client identifier
    c.publish_acked(f"{uid}/t", "mine")
    c.expect_nothing(0.2)


@both
def test_mqtt_3_10_4_1_unsubscribe_compares_byte_by_byte(broker, uid, version):
    c, p = Wire.open(broker.port, uid, version), Wire.open(broker.port, f"{uid}p", version)
    c.subscribe(f"{uid}/+/t", 1)
    c.subscribe(f"{uid}/#", 1)
    for other in (f"{uid}/a/t", f"{uid}/+", f"{uid}/+/T", f"{uid}/"):
        assert c.unsubscribe(other) == ([0x11] if version == 5 else [])
    p.publish_acked(f"{uid}/a/t", "x")
    assert c.take().payload == b"x"
    for mine in (f"{uid}/+/t", f"{uid}/#"):
        assert c.unsubscribe(mine) == ([0] if version == 5 else [])
    p.publish_acked(f"{uid}/a/t", "x")
    c.expect_nothing(0.2)  # [MQTT-3.10.4-2]


@both
def test_mqtt_3_10_4_3_what_was_begun_is_finished(broker, uid, version):
    props = {"session_expiry": 60} if version == 5 else None
    c = Wire.open(broker.port, uid, version, clean=False, props=props)
    p = Wire.open(broker.port, f"{uid}p", version)
    c.subscribe(f"{uid}/t", 2)
    for qos in (1, 2):
        p.publish_acked(f"{uid}/t", f"{qos}", qos)
    begun = [c.expect("publish") for _ in range(2)]
    c.unsubscribe(f"{uid}/t")
    c.close()
    c = Wire.open(broker.port, uid, version, clean=False, props=props)
    again = [c.expect("publish") for _ in range(2)]
    assert [(m.pid, m.payload) for m in again] == [(m.pid, m.payload) for m in begun]
    c.ack("puback", begun[0].pid)
    c.ack("pubrec", begun[1].pid)
    assert c.expect("pubrel").pid == begun[1].pid


@both
def test_mqtt_3_10_4_6_many_filters_one_unsuback(broker, uid, version):
    """[MQTT-3.11.3-1]"""
    c = Wire.open(broker.port, uid, version)
    for n in range(4):
        c.subscribe(f"{uid}/{n}")
    c.send(wire.unsubscribe(9, [f"{uid}/0", f"{uid}/no", f"{uid}/3", f"{uid}/0"], version))
    assert c.expect("unsuback").codes == ([0, 0x11, 0, 0x11] if version == 5 else [])
    Wire.open(broker.port, f"{uid}p").publish_acked(f"{uid}/1", "x")
    assert c.take().payload == b"x"


MATCHES = [("#", "a", 1), ("#", "/a", 1), ("a/#", "a", 1), ("a/#", "a/b/c", 1), ("a/#", "ab", 0), ("+", "a", 1), ("+", "/a", 0),
           ("/+", "/a", 1), ("+/+", "/a", 1), ("a/+", "a", 0), ("a/+", "a/", 1), ("a/+", "a/b/c", 0), ("a/+/c", "a/b/c", 1),
           ("+/#", "a", 1), ("#", "$x/a", 0), ("+/a", "$x/a", 0), ("$x/#", "$x/a", 1), ("$x/+", "$x/a", 1), ("a//c", "a//c", 1),
           ("a/+/c", "a//c", 1), ("A", "a", 0), ("a/b/#", "a", 0), ("a ", "a", 0)]


@both
def test_mqtt_4_7_2_1_filters_match_as_they_should(broker, uid, version):
    """[MQTT-3.3.2-3, MQTT-4.7.1-1, MQTT-4.7.1-2]: each filter alone, all topics of the table."""
    p = Wire.open(broker.port, f"{uid}p", version)
    for at, (topic_filter, topic, expected) in enumerate(MATCHES):
        c = Wire.open(broker.port, f"{uid}m{at}", version)
        c.send(wire.subscribe(1, [(topic_filter, 1), (f"{uid}/end", 1)], version))
        while c.recv().kind != "suback":  # retained messages of other tests may match
            pass
        p.publish_acked(topic, f"{uid} {at}")
        p.publish_acked(f"{uid}/end", "end")
        got = []
        while (m := c.take()).payload != b"end":
            got += [m.topic] if m.payload == f"{uid} {at}".encode() else []
        # Both topics may lie in different shards: the end may come first.
        c.ping() if got or not expected else got.append(c.take().topic)
        assert got == [topic] * expected, (topic_filter, topic)


@both
def test_mqtt_4_8_2_1_shared_filters(broker, uid, version):
    """[MQTT-4.8.2-2, -3]: each message once, at the QoS of the member that gets it; 3.1.1 clients share as well."""
    a, b = (Wire.open(broker.port, f"{uid}{n}", version) for n in "ab")
    assert a.subscribe(f"$share/g,1 x/{uid}/+", 0) == 0 and b.subscribe(f"$share/g,1 x/{uid}/+", 2) == 2
    plain, p = Wire.open(broker.port, f"{uid}c", version), Wire.open(broker.port, f"{uid}p", version)
    plain.subscribe(f"{uid}/t", 1)
    for n in range(20):
        p.publish_acked(f"{uid}/t", f"{n}", 2)
    assert [int(plain.take().payload) for _ in range(20)] == list(range(20))
    seen = {0: [], 2: []}
    for c, qos in ((a, 0), (b, 2)):
        c.send(wire.packet("pingreq", 0, b""))
        while (m := c.recv()).kind != "pingresp":
            if m.kind == "publish":
                assert m.qos == qos
                seen[qos].append(int(m.payload))
                if m.qos:
                    c.ack("pubrec", m.pid)
    assert sorted(seen[0] + seen[2]) == list(range(20))


@both
def test_mqtt_4_8_2_4_a_shared_qos_2_delivery_is_finished_by_its_client(broker, uid, version):
    """[MQTT-4.8.2-5]: nobody else gets what has begun."""
    props = {"session_expiry": 60} if version == 5 else None
    a = Wire.open(broker.port, f"{uid}a", version, clean=False, props=props)
    a.subscribe(f"$share/g/{uid}/t", 2)
    p = Wire.open(broker.port, f"{uid}p", version)
    p.publish_acked(f"{uid}/t", "x", 2)
    m = a.expect("publish")
    a.ack("pubrec", m.pid)
    a.expect("pubrel")
    b = Wire.open(broker.port, f"{uid}b", version)
    b.subscribe(f"$share/g/{uid}/t", 2)
    a.close()
    b.expect_nothing(0.2)
    a = Wire.open(broker.port, f"{uid}a", version, clean=False, props=props)
    assert a.expect("pubrel").pid == m.pid
    a.ack("pubcomp", m.pid)
    b.expect_nothing(0.1)


def test_mqtt_4_8_2_6_an_error_discards_a_shared_message(broker, uid):
    a, b = (Wire.open(broker.port, f"{uid}{n}", 5) for n in "ab")
    a.subscribe(f"$share/g/{uid}/t", 1)
    p = Wire.open(broker.port, f"{uid}p", 5)
    p.publish_acked(f"{uid}/t", "x")
    m = a.expect("publish")
    b.subscribe(f"$share/g/{uid}/t", 1)
    a.ack("puback", m.pid, 0x83)
    b.expect_nothing(0.2)
    a.close()
    b.expect_nothing(0.2)


def test_mqtt_3_3_4_3_the_identifier_of_a_shared_subscription(broker, uid):
    c = Wire.open(broker.port, uid, 5)
    c.subscribe(f"$share/g/{uid}/t", 1, props={"subscription_id": 9})
    Wire.open(broker.port, f"{uid}p", 5).publish_acked(f"{uid}/t", "x")
    assert c.take().props == {"subscription_id": [9]}


@both
def test_mqtt_3_12_4_1_ping(broker, uid, version):
    c = Wire.open(broker.port, uid, version)
    for _ in range(5):
        c.ping()


@both
def test_mqtt_3_14_4_1_nothing_follows_a_disconnect(broker, uid, version):
    """[MQTT-3.14.4-2, MQTT-4.13.1-1, MQTT-4.13.2-1]: the server says why and closes."""
    s, c = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, uid, version)
    c.subscribe(f"{uid}/t", 1)
    s.ping()
    c.send(wire.publish(f"{uid}/t", "one", version, 1, 1) + wire.connect(uid, version) + wire.publish(f"{uid}/t", "two", version, 1, 2))
    said = c.expect_closed()
    assert [p.kind for p in said if p.kind == "disconnect"] == (["disconnect"] if version == 5 else [])
    assert not said or version == 4 or said[-1].kind == "disconnect"
    assert b"two" not in [p.payload for p in said]


@both
def test_mqtt_3_14_4_2_the_server_closes_after_the_clients_disconnect(broker, uid, version):
    c = Wire.open(broker.port, uid, version)
    c.send(wire.packet("disconnect", 0, b""))
    assert c.expect_closed() == []


def test_mqtt_3_14_2_3_a_reason_string_that_does_not_fit_is_left_out(broker, uid):
    c = Wire.open(broker.port, uid, 5, props={"maximum_packet_size": 20})
    c.send(wire.connect(uid, 5))
    (bye,) = c.expect_closed()
    assert bye.reason == 0x82 and "reason_string" not in bye.props


@both
def test_mqtt_4_13_1_1_an_error_ends_one_connection(broker, uid, version):
    """3.1.1's MQTT-4.8.0-1."""
    c, other = Wire.open(broker.port, uid, version), Wire.open(broker.port, f"{uid}o", version)
    c.send(b"\xf6\x00")
    c.expect_closed()
    other.ping()
