"""Point-to-point topics and shared subscriptions."""
from collections import Counter

import pytest

from kit import wire
from kit.clients import Paho
from kit.wire import Nothing, Wire


@pytest.mark.dunlin
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_p2p_reaches_one_client_without_a_subscription(broker, uid, version, qos):
    name = f"GID_{uid}@@@phone"
    s, other = Wire.open(broker.port, name, version), Wire.open(broker.port, f"GID_{uid}@@@tv", version)
    p = Wire.open(broker.port, f"{uid}p", version)
    p.publish(f"{uid}/p2p/{name}", "for you", 0) if qos == 0 else p.publish_acked(f"{uid}/p2p/{name}", "for you", qos)
    m = s.take()
    assert (m.topic, m.payload, m.qos) == (f"{uid}/p2p/{name}", b"for you", qos)
    other.expect_nothing(0.1)
    s.expect_nothing(0.1)


@pytest.mark.dunlin
def test_p2p_waits_for_an_offline_persistent_session(broker, uid):
    s = Wire.open(broker.port, uid, 4, clean=False)
    s.disconnect()
    p = Wire.open(broker.port, f"{uid}p")
    for n in range(10):
        p.publish_acked(f"parent/p2p/{uid}", str(n), 1)
    s = Wire.open(broker.port, uid, 4, clean=False)
    assert [int(s.take().payload) for _ in range(10)] == list(range(10))


@pytest.mark.dunlin
def test_p2p_to_nobody_is_acknowledged_and_forgotten(broker, uid):
    p = Wire.open(broker.port, f"{uid}p", 5)
    assert p.publish_acked(f"parent/p2p/{uid}", "x") in (0, 0x10)
    s = Wire.open(broker.port, uid, 5)
    s.expect_nothing()


@pytest.mark.dunlin
def test_p2p_does_not_need_and_does_not_double_a_subscription(broker, uid):
    s, p = Wire.open(broker.port, uid, 5), Wire.open(broker.port, f"{uid}p", 5)
    s.subscribe(f"{uid}x/#", 1)
    p.publish_acked(f"{uid}x/p2p/{uid}", "once")
    assert s.take().payload == b"once"
    s.expect_nothing()


@pytest.mark.dunlin
def test_p2p_with_real_clients(broker, uid):
    with Paho(broker.port, f"GID_{uid}@@@a", 5) as a, Paho(broker.port, f"GID_{uid}@@@b", 4) as b:
        for n in range(100):
            a.publish(f"chat/p2p/GID_{uid}@@@b", f"to b {n}", 1)
            b.publish(f"chat/p2p/GID_{uid}@@@a", f"to a {n}", 1)
        assert [m.payload.decode() for m in b.get_many(100)] == [f"to b {n}" for n in range(100)]
        assert [m.payload.decode() for m in a.get_many(100)] == [f"to a {n}" for n in range(100)]


def drain(members, count):
    """Takes until `count` messages have come to anyone; which member got which."""
    got = {name: [] for name in members}
    while sum(map(len, got.values())) < count:
        before = sum(map(len, got.values()))
        for name, c in members.items():
            try:
                while True:
                    got[name].append(c.take(0.1).payload.decode())
            except Nothing:
                pass
        assert sum(map(len, got.values())) > before, f"only {before} of {count} came"
    return got


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_shared_subscription_gives_each_message_to_one_member(broker, uid, version, qos):
    members = {f"{uid}m{n}": Wire.open(broker.port, f"{uid}m{n}", version) for n in range(3)}
    for c in members.values():
        assert c.subscribe(f"$share/g/{uid}/#", qos) == qos
    plain, p = Wire.open(broker.port, f"{uid}s", version), Wire.open(broker.port, f"{uid}p", version)
    plain.subscribe(f"{uid}/#", qos)
    sent = [str(n) for n in range(60)]
    for payload in sent:
        (p.publish_acked if qos else p.publish)(f"{uid}/t", payload, qos=qos)
    got = drain(members, 60)
    assert sorted(sum(got.values(), []), key=int) == sent  # each once
    assert all(len(g) >= 5 for g in got.values()), {k: len(g) for k, g in got.items()}
    assert [plain.take().payload.decode() for _ in sent] == sent


def test_two_groups_get_everything_each(broker, uid):
    a, b = Wire.open(broker.port, f"{uid}a", 5), Wire.open(broker.port, f"{uid}b", 5)
    a.subscribe(f"$share/one/{uid}/t", 1)
    b.subscribe(f"$share/two/{uid}/t", 1)
    p = Wire.open(broker.port, f"{uid}p", 5)
    for n in range(10):
        p.publish_acked(f"{uid}/t", str(n))
    assert len(drain({"a": a}, 10)["a"]) == len(drain({"b": b}, 10)["b"]) == 10


def test_a_member_that_leaves_gets_no_more(broker, uid):
    a, b = Wire.open(broker.port, f"{uid}a", 5), Wire.open(broker.port, f"{uid}b", 5)
    a.subscribe(f"$share/g/{uid}/t", 1)
    b.subscribe(f"$share/g/{uid}/t", 1)
    a.unsubscribe(f"$share/g/{uid}/t")
    p = Wire.open(broker.port, f"{uid}p", 5)
    for n in range(10):
        p.publish_acked(f"{uid}/t", str(n))
    assert len(drain({"b": b}, 10)["b"]) == 10
    a.expect_nothing(0.1)


@pytest.mark.dunlin
def test_unacknowledged_messages_of_a_lost_member_go_to_another(broker, uid):
    a, b = Wire.open(broker.port, f"{uid}a", 5), Wire.open(broker.port, f"{uid}b", 5)
    a.subscribe(f"$share/g/{uid}/t", 1)
    b.subscribe(f"$share/g/{uid}/t", 1)
    p = Wire.open(broker.port, f"{uid}p", 5)
    for n in range(20):
        p.publish_acked(f"{uid}/t", str(n))
    a.expect("publish")  # a holds some and acknowledges none
    a.close()
    got = drain({"b": b}, 20)["b"]
    assert Counter(got) == Counter(str(n) for n in range(20))


@pytest.mark.dunlin  # Debian's mosquitto does otherwise
def test_retained_messages_are_not_sent_to_shared_subscriptions(broker, uid):
    p, s = Wire.open(broker.port, f"{uid}p", 5), Wire.open(broker.port, f"{uid}s", 5)
    p.publish_acked(f"{uid}/t", "kept", retain=True)
    s.subscribe(f"$share/g/{uid}/t", 1)
    s.expect_nothing()  # 4.8.2
    p.publish_acked(f"{uid}/t", "", retain=True)


@pytest.mark.dunlin  # Debian's mosquitto does otherwise
def test_no_local_on_a_shared_subscription_is_an_error(broker, uid):
    s = Wire.open(broker.port, uid, 5)
    s.send(wire.subscribe(1, [(f"$share/g/{uid}/t", 1 | 4)], 5))
    said = [p.reason for p in s.expect_closed() if p.kind == "disconnect"]
    assert said == [0x82] or not broker.is_dunlin  # [MQTT-3.8.3-4]
