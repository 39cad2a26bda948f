//! MQTT 3.1.1
use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Outgoing, Packet, QoS};
use tokio::sync::mpsc;

use crate::{field, say, Client, Command, Handle, Note};

fn qos(c: &Command, key: &str) -> QoS {
    rumqttc::qos(c.number(key).unwrap_or(0) as u8).expect("a QoS")
}

pub fn connect(c: &Command) -> Client {
    let (host, port) = c.server();
    let mut options = MqttOptions::new(c.get("id"), host, port);
    options.set_clean_session(c.get("clean") == "1").set_keep_alive(std::time::Duration::from_secs(60));
    if let Some(topic) = c.find("will_topic") {
        options.set_last_will(LastWill::new(topic, c.get("will_payload"), qos(c, "will_qos"), false));
    }
    let (client, mut events) = AsyncClient::new(options, 10);
    let (to, notes) = mpsc::unbounded_channel();
    let name = c.get("c").to_string();
    let task = tokio::spawn(async move {
        loop {
            let note = match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(a))) => Note::Connected(a.session_present),
                Ok(Event::Incoming(Packet::SubAck(a))) => Note::Subscribed(match a.return_codes[0] {
                    rumqttc::SubscribeReasonCode::Success(q) => (q as u8).to_string(),
                    rumqttc::SubscribeReasonCode::Failure => "128".to_string(),
                }),
                Ok(Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))) => Note::Acknowledged,
                Ok(Event::Incoming(Packet::Publish(m))) => {
                    say(vec![
                        field("message", 1),
                        field("c", &name),
                        field("topic", &m.topic),
                        field("payload", String::from_utf8_lossy(&m.payload)),
                        field("qos", m.qos as u8),
                        field("retain", m.retain as u8),
                    ]);
                    continue;
                }
                Ok(Event::Outgoing(Outgoing::Publish(_))) => Note::Written,
                Ok(_) => continue,
                Err(e) => {
                    let _ = to.send(Note::Failed(e.to_string()));
                    return;
                }
            };
            let _ = to.send(note);
        }
    });
    Client { handle: Handle::V3(client), notes, task }
}

pub async fn subscribe(h: &AsyncClient, c: &Command) -> Result<(), String> {
    h.subscribe(c.get("filter"), qos(c, "qos")).await.map_err(|e| e.to_string())
}

pub async fn publish(h: &AsyncClient, c: &Command) -> Result<(), String> {
    let payload = c.get("payload").as_bytes().to_vec();
    h.publish(c.get("topic"), qos(c, "qos"), c.get("retain") == "1", payload).await.map_err(|e| e.to_string())
}
