//! A scripted model on loopback: whoever asks is answered with the next step of the script.
//!
//! What comes next is told by the conversation in the request alone, so a request that is sent twice is answered alike.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// What the model does when it is its turn; each agent has a tool for each of these.
#[derive(Clone)]
pub(crate) enum Step {
    /// Writes a new file with the agent's file tool.
    Write { path: String, text: String },
    /// Runs a command line in the agent's shell tool.
    Shell(String),
    /// Calls a tool that its agent alone has.
    Call { tool: String, input: Value },
    /// Says this and leaves it at that: a claim to be done.
    Say(String),
}

/// One piece of a conversation.
pub(crate) struct Said {
    pub(crate) by_model: bool,
    pub(crate) text: String,
}

/// The language of one agent's endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Wire {
    /// What was said so far; none where the request is not part of the agent's main conversation.
    pub(crate) conversation: fn(&Value) -> Option<Vec<Said>>,
    /// The step as a stream of server-sent events, as name and data; the number tells it from the others.
    pub(crate) answer: fn(&Step, usize) -> Vec<Value>,
}

/// The endpoint, until it is dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    wire: Wire,
    script: Vec<Step>,
    /// The requests of the main conversation, in the order in which they came.
    requests: Mutex<Vec<Value>>,
    closing: AtomicBool,
}

impl Endpoint {
    pub(crate) fn start(wire: Wire, script: Vec<Step>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            wire,
            script,
            requests: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &served));
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// What the agent's base URL is to be, less what its API adds.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the model was shown first: rules, context and prompt.
    pub(crate) fn opening(&self) -> String {
        let requests = self.shared.requests.lock().expect("no panic");
        requests.first().map(texts).unwrap_or_default()
    }

    /// What the model was shown after each step of its script, as far as it was asked again.
    pub(crate) fn shown(&self) -> Vec<String> {
        let requests = self.shared.requests.lock().expect("no panic");
        let mut shown = Vec::new();
        let last = requests.last().and_then(self.shared.wire.conversation);
        for said in last.unwrap_or_default() {
            if said.by_model {
                shown.push(String::new());
            } else if let Some(current) = shown.last_mut() {
                current.push_str(&said.text);
            }
        }
        shown
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(thread)) = (woken, self.accepting.take()) {
            thread.join().expect("the endpoint did not panic");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.closing.load(Ordering::SeqCst) {
            break;
        }
        let shared = Arc::clone(shared);
        // A thread each: agents open connections in advance and keep them silent. An agent that was killed breaks
        // one off; that is no fault of the endpoint's.
        std::thread::spawn(move || stream.and_then(|stream| serve(stream, &shared)));
    }
}

/// Answers the one request of a connection.
fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    let mut length = 0;
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        let header = line.split_once(':');
        if let Some((_, value)) =
            header.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (kind, answer) = match serde_json::from_slice(&body) {
        Ok(request) => shared.answer(request),
        Err(_) => None,
    }
    .map_or(("application/json", "{}".to_owned()), |events| {
        ("text/event-stream", events)
    });
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

impl Shared {
    /// The stream that answers a request of the main conversation.
    fn answer(&self, request: Value) -> Option<String> {
        let turn = (self.wire.conversation)(&request)?
            .iter()
            .filter(|said| said.by_model)
            .count();
        self.requests.lock().expect("no panic").push(request);
        let over = Step::Say("The script is over.".to_owned());
        let events = (self.wire.answer)(self.script.get(turn).unwrap_or(&over), turn);
        let event = |data: &Value| {
            format!(
                "event: {}\ndata: {data}\n\n",
                data["type"].as_str().expect("a type")
            )
        };
        Some(events.iter().map(event).collect())
    }
}

/// All text in a value, a line each.
pub(crate) fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(values) => values.iter().map(texts).collect(),
        Value::Object(fields) => fields.values().map(texts).collect(),
        _ => String::new(),
    }
}
