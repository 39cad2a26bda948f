"""What outlives a connection: queued messages, unacknowledged packets, QoS 2 state, and when a session ends."""
import time

import pytest

from kit.clients import Paho, connect_properties
from kit.wire import Wire

# A session that stays, in each version's words.
KEEP = {3: {"clean": False}, 4: {"clean": False}, 5: {"clean": False, "props": {"session_expiry": 600}}}
BOTH = pytest.mark.parametrize("version", [4, 5])
ALL = pytest.mark.parametrize("version", [3, 4, 5])


def keep(port, client_id, version):
    return Wire.open(port, client_id, version, **KEEP[version])


@ALL
@pytest.mark.parametrize("qos", [1, 2])
def test_messages_wait_for_an_offline_session_in_order(broker, uid, version, qos):
    s = keep(broker.port, f"{uid}s", version)
    assert s.connack.session_present is False
    s.subscribe(f"{uid}/t", qos)
    s.disconnect()
    p = Wire.open(broker.port, f"{uid}p", version)
    for n in range(50):
        p.publish_acked(f"{uid}/t", str(n), qos)
    s = keep(broker.port, f"{uid}s", version)
    assert s.connack.session_present is (version != 3)  # 3.1's CONNACK has no such flag
    got = [s.take() for _ in range(50)]
    assert [int(m.payload) for m in got] == list(range(50))
    assert all(m.qos == qos for m in got)
    s.expect_nothing()


@pytest.mark.parametrize("version", [4, 5])
def test_paho_gets_what_came_while_it_was_away(broker, uid, version):
    properties = connect_properties(SessionExpiryInterval=600) if version == 5 else None
    s = Paho(broker.port, f"{uid}s", version, clean=False, properties=properties)
    s.subscribe(f"{uid}/#", 1)
    s.disconnect()
    with Paho(broker.port, f"{uid}p", version) as p:
        for n in range(100):
            p.publish(f"{uid}/{n % 7}", str(n), 1)
    with Paho(broker.port, f"{uid}s", version, clean=False, properties=properties) as s:
        assert sorted(int(m.payload) for m in s.get_many(100)) == list(range(100))


@BOTH
def test_an_unacknowledged_qos_1_message_comes_again_with_dup(broker, uid, version):
    s, p = keep(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 1)
    p.publish_acked(f"{uid}/t", "one")
    p.publish_acked(f"{uid}/t", "two")
    first, second = s.expect("publish"), s.expect("publish")
    assert not first.dup and not second.dup and first.pid != second.pid
    s.ack("puback", first.pid)
    s.ping()  # the PUBACK has been read
    s.close()
    s = keep(broker.port, f"{uid}s", version)
    again = s.expect("publish")
    assert (again.payload, again.pid, again.dup) == (b"two", second.pid, True)  # [MQTT-4.4.0-1], [MQTT-3.3.1-1]
    s.ack("puback", again.pid)
    s.expect_nothing()


@BOTH
def test_a_qos_2_message_without_pubrec_comes_again_with_dup(broker, uid, version):
    s, p = keep(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "one", 2)
    first = s.expect("publish")
    s.close()
    s = keep(broker.port, f"{uid}s", version)
    again = s.expect("publish")
    assert (again.payload, again.pid, again.dup, again.qos) == (b"one", first.pid, True, 2)
    s.ack("pubrec", again.pid)
    assert s.expect("pubrel").pid == first.pid
    s.ack("pubcomp", again.pid)
    s.expect_nothing()


@BOTH
def test_a_qos_2_message_without_pubcomp_goes_on_with_pubrel(broker, uid, version):
    s, p = keep(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    p.publish_acked(f"{uid}/t", "one", 2)
    first = s.expect("publish")
    s.ack("pubrec", first.pid)
    s.expect("pubrel")
    s.close()
    s = keep(broker.port, f"{uid}s", version)
    assert s.expect("pubrel").pid == first.pid  # never the PUBLISH again
    s.ack("pubcomp", first.pid)
    s.expect_nothing()


@BOTH
def test_unacknowledged_messages_come_again_in_their_order(broker, uid, version):
    s, p = keep(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    for n in range(10):
        p.publish_acked(f"{uid}/t", str(n), 1 + n % 2)
    got = [s.expect("publish") for _ in range(10)]
    s.close()
    s = keep(broker.port, f"{uid}s", version)
    again = [s.expect("publish") for _ in range(10)]
    assert [(m.payload, m.pid, m.dup) for m in again] == [(m.payload, m.pid, True) for m in got]  # [MQTT-4.6.0-1]


@BOTH
def test_a_qos_2_publish_sent_twice_is_delivered_once(broker, uid, version):
    s, p = Wire.open(broker.port, f"{uid}s", version), keep(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/t", 2)
    p.publish(f"{uid}/t", "once", 2, pid=7)
    assert p.expect("pubrec").pid == 7
    p.publish(f"{uid}/t", "once", 2, pid=7, dup=True)
    assert p.expect("pubrec").pid == 7
    p.close()
    p = keep(broker.port, f"{uid}p", version)
    p.publish(f"{uid}/t", "once", 2, pid=7, dup=True)  # also after a reconnect [MQTT-4.3.3-10]
    assert p.expect("pubrec").pid == 7
    p.ack("pubrel", 7)
    assert p.expect("pubcomp").pid == 7
    p.publish_acked(f"{uid}/t", "twice", 2, pid=7)  # the identifier is free again
    assert [s.take().payload, s.take().payload] == [b"once", b"twice"]
    s.expect_nothing()


@BOTH
def test_pubrel_for_an_unknown_identifier_is_answered(broker, uid, version):
    c = Wire.open(broker.port, uid, version)
    c.ack("pubrel", 4711)
    p = c.expect("pubcomp")
    assert p.pid == 4711 and p.reason == (0x92 if version == 5 and broker.is_dunlin else p.reason)


@ALL
def test_acknowledgements_leave_in_the_order_of_their_packets(broker, uid, version):
    s, p = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    s.subscribe(f"{uid}/#", 0)
    sent = [(p.publish(f"{uid}/{n % 13}/{n % 17}", "x", 1 + n % 2)) for n in range(200)]
    got = [p.recv() for _ in sent]
    of_qos_1 = [a.pid for a in got if a.kind == "puback"]
    of_qos_2 = [a.pid for a in got if a.kind == "pubrec"]
    assert of_qos_1 == sent[0::2] and of_qos_2 == sent[1::2]  # [MQTT-4.6.0-2], [MQTT-4.6.0-3]
    if broker.is_dunlin:
        assert [a.pid for a in got] == sent


@ALL
def test_a_clean_start_discards_the_session(broker, uid, version):
    s = keep(broker.port, f"{uid}s", version)
    s.subscribe(f"{uid}/t", 1)
    s.disconnect()
    p = Wire.open(broker.port, f"{uid}p", version)
    p.publish_acked(f"{uid}/t", "lost")
    s = Wire.open(broker.port, f"{uid}s", version, clean=True)
    assert s.connack.session_present is False
    p.publish_acked(f"{uid}/t", "nobody subscribes")
    s.expect_nothing()
    s.disconnect()
    s = keep(broker.port, f"{uid}s", version)
    assert s.connack.session_present is False
    s.expect_nothing()


@BOTH
def test_takeover_keeps_the_session(broker, uid, version):
    first, p = keep(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    first.subscribe(f"{uid}/t", 1)
    p.publish_acked(f"{uid}/t", "one")
    pid = first.expect("publish").pid
    second = keep(broker.port, f"{uid}s", version)
    assert second.connack.session_present is True
    m = second.expect("publish")
    assert (m.pid, m.dup, m.payload) == (pid, True, b"one")
    first.expect_closed()
    second.ack("puback", pid)
    p.publish_acked(f"{uid}/t", "two")
    assert second.take().payload == b"two"


def test_takeover_back_and_forth_loses_nothing(broker, uid):
    p = Wire.open(broker.port, f"{uid}p")
    s = keep(broker.port, f"{uid}s", 4)
    s.subscribe(f"{uid}/t", 1)
    got = []
    for n in range(30):
        p.publish_acked(f"{uid}/t", str(n))
        s = keep(broker.port, f"{uid}s", 4)
        while not got or got[-1] < n:
            m = s.take()
            got.append(int(m.payload))
    s.ping()
    assert sorted(set(got)) == list(range(30))


def test_session_expiry_0_ends_with_the_connection(broker, uid):
    s = Wire.open(broker.port, uid, 5, clean=False)
    s.subscribe(f"{uid}/t", 1)
    s.close()
    time.sleep(0.1)
    assert Wire.open(broker.port, uid, 5, clean=False).connack.session_present is False


def test_a_session_ends_when_it_expires(broker, uid):
    s = Wire.open(broker.port, uid, 5, clean=False, props={"session_expiry": 1})
    s.subscribe(f"{uid}/t", 1)
    s.disconnect()
    time.sleep(0.2)
    s = Wire.open(broker.port, uid, 5, clean=False, props={"session_expiry": 1})
    assert s.connack.session_present is True
    s.disconnect()
    time.sleep(2.6)
    assert Wire.open(broker.port, uid, 5, clean=False).connack.session_present is False


def test_disconnect_can_change_the_expiry(broker, uid):
    s = Wire.open(broker.port, uid, 5, clean=False, props={"session_expiry": 600})
    s.subscribe(f"{uid}/t", 1)
    s.disconnect(0, {"session_expiry": 0})
    time.sleep(0.1)
    assert Wire.open(broker.port, uid, 5, clean=False).connack.session_present is False


def test_receive_maximum_of_the_client_is_kept(broker, uid):
    s = Wire.open(broker.port, f"{uid}s", 5, props={"receive_maximum": 3})
    p = Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}/t", 2)
    for n in range(10):
        p.publish_acked(f"{uid}/t", str(n), 1 + n % 2)
    got = [s.expect("publish") for _ in range(3)]
    s.expect_nothing()  # [MQTT-3.3.4-9]
    done = 0
    while done < 10:
        m = got.pop(0)
        assert int(m.payload) == done
        if m.qos == 1:
            s.ack("puback", m.pid)
        else:
            s.ack("pubrec", m.pid)
            rel = s.recv()
            while rel.kind == "publish":
                got.append(rel)
                rel = s.recv()
            assert (rel.kind, rel.pid) == ("pubrel", m.pid)
            s.ack("pubcomp", m.pid)
        done += 1
        if done + len(got) < 10 and len(got) < 3:
            got.append(s.expect("publish"))
    s.expect_nothing()


@pytest.mark.dunlin
def test_more_than_the_servers_receive_maximum_is_told(make_node, uid):
    node = make_node({"limits": {"receive_max": 2}})
    c = Wire.open(node.port, uid, 5)
    assert c.connack.props["receive_maximum"] == 2
    for _ in range(3):
        c.publish(f"{uid}/t", "x", 2)  # without PUBREL they stay in flight
    before = c.expect_closed()
    assert [p.reason for p in before if p.kind == "disconnect"] == [0x93]


def test_qos_0_is_not_kept_for_an_offline_session(broker, uid):
    s = keep(broker.port, f"{uid}s", 4)
    s.subscribe(f"{uid}/t", 1)
    s.disconnect()
    p = Wire.open(broker.port, f"{uid}p")
    p.publish(f"{uid}/t", "qos 0", 0)
    p.publish_acked(f"{uid}/t", "qos 1", 1)
    s = keep(broker.port, f"{uid}s", 4)
    assert s.take().payload == b"qos 1"
    s.expect_nothing()


def test_a_lost_subscription_is_still_there_after_a_reconnect(broker, uid):
    s = keep(broker.port, f"{uid}s", 4)
    s.subscribe(f"{uid}/#", 1)
    s.reset()
    s = keep(broker.port, f"{uid}s", 4)
    p = Wire.open(broker.port, f"{uid}p")
    p.publish_acked(f"{uid}/t", "x")
    assert s.take().payload == b"x"
    assert s.unsubscribe(f"{uid}/#") == []
    p.publish_acked(f"{uid}/t", "y")
    s.expect_nothing()
