//! rumqttc (3.1.1 and 5) driven by lines on standard input. See ../README.md.
use std::{collections::HashMap, io::BufRead, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle};

mod v3;
mod v5;

const WAIT: Duration = Duration::from_secs(15);

pub type Fields = Vec<(String, String)>;

/// What a client's event loop tells the command that waits.
pub enum Note {
    Connected(bool),
    Subscribed(String),
    Written,
    Acknowledged,
    Failed(String),
}

pub enum Handle {
    V3(rumqttc::AsyncClient),
    V5(rumqttc::v5::AsyncClient),
}

pub struct Client {
    pub handle: Handle,
    pub notes: mpsc::UnboundedReceiver<Note>,
    pub task: JoinHandle<()>,
}

impl Client {
    async fn await_note(&mut self, wanted: fn(&Note) -> bool) -> Result<Note, String> {
        let wait = async {
            loop {
                match self.notes.recv().await {
                    None => return Err("the event loop has ended".to_string()),
                    Some(Note::Failed(why)) => return Err(why),
                    Some(note) if wanted(&note) => return Ok(note),
                    Some(_) => (),
                }
            }
        };
        tokio::time::timeout(WAIT, wait).await.map_err(|_| "no answer".to_string())?
    }
}

pub struct Command(Fields);

impl Command {
    pub fn find(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
    pub fn get(&self, key: &str) -> &str {
        self.find(key).unwrap_or("")
    }
    pub fn number(&self, key: &str) -> Option<u32> {
        self.find(key).and_then(|v| v.parse().ok())
    }
    /// Host and port of mqtt://host:port
    pub fn server(&self) -> (String, u16) {
        let (host, port) = self.get("url").trim_start_matches("mqtt://").rsplit_once(':').expect("a URL with a port");
        (host.to_string(), port.parse().expect("a port"))
    }
    pub fn user_properties(&self) -> Vec<(String, String)> {
        let pairs = self.0.iter().filter(|(k, _)| k == "user").filter_map(|(_, v)| v.split_once(':'));
        pairs.map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }
}

pub fn say(fields: Fields) {
    println!("{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish());
}

pub fn field(key: &str, value: impl ToString) -> (String, String) {
    (key.to_string(), value.to_string())
}

async fn handle(c: &Command, clients: &mut HashMap<String, Client>) -> Result<Fields, String> {
    let name = c.get("c").to_string();
    if c.get("op") == "connect" {
        let mut client = if c.get("version") == "5" { v5::connect(c) } else { v3::connect(c) };
        let note = client.await_note(|n| matches!(n, Note::Connected(_))).await?;
        clients.insert(name, client);
        let present = matches!(note, Note::Connected(true));
        return Ok(vec![field("present", present as u8)]);
    }
    let client = clients.get_mut(&name).ok_or("no such client")?;
    match c.get("op") {
        "subscribe" => {
            match &client.handle {
                Handle::V3(h) => v3::subscribe(h, c).await?,
                Handle::V5(h) => v5::subscribe(h, c).await?,
            }
            match client.await_note(|n| matches!(n, Note::Subscribed(_))).await? {
                Note::Subscribed(code) => Ok(vec![field("code", code)]),
                _ => unreachable!(),
            }
        }
        "publish" => {
            match &client.handle {
                Handle::V3(h) => v3::publish(h, c).await?,
                Handle::V5(h) => v5::publish(h, c).await?,
            }
            let acknowledged = |n: &Note| matches!(n, Note::Acknowledged);
            let written = |n: &Note| matches!(n, Note::Written);
            client.await_note(if c.get("qos") == "0" { written } else { acknowledged }).await?;
            Ok(vec![])
        }
        "disconnect" => {
            match &client.handle {
                Handle::V3(h) => h.disconnect().await.map_err(|e| e.to_string())?,
                Handle::V5(h) => h.disconnect().await.map_err(|e| e.to_string())?,
            }
            Ok(vec![])
        }
        "forget" => {
            client.task.abort();
            clients.remove(&name);
            Ok(vec![])
        }
        other => Err(format!("unknown command {other}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (to, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let _ = to.send(line.expect("a line"));
        }
    });
    let mut clients = HashMap::new();
    while let Some(line) = lines.recv().await {
        let c = Command(form_urlencoded::parse(line.as_bytes()).into_owned().collect());
        let mut out = handle(&c, &mut clients).await.unwrap_or_else(|why| vec![field("error", why)]);
        out.push(field("n", c.get("n")));
        say(out);
    }
}
