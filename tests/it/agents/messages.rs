//! The messages API, as Claude Code speaks it.

use serde_json::{Value, json};

use super::endpoint::{Said, Step, Wire, texts};

pub(crate) const WIRE: Wire = Wire {
    conversation,
    answer,
};

/// Requests without tools are for titles and the like.
fn conversation(request: &Value) -> Option<Vec<Said>> {
    request["tools"]
        .as_array()
        .filter(|tools| !tools.is_empty())?;
    let said = |message: &Value| Said {
        by_model: message["role"] == "assistant",
        text: texts(&message["content"]),
    };
    Some(request["messages"].as_array()?.iter().map(said).collect())
}

fn answer(step: &Step, number: usize) -> Vec<Value> {
    let call = |name: &str| json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": {}});
    let (block, delta, reason) = match step {
        Step::Write { path, text } => (
            call("Write"),
            input(&json!({"file_path": path, "content": text})),
            "tool_use",
        ),
        Step::Shell(command) => (
            call("Bash"),
            input(&json!({"command": command, "description": "as the script says"})),
            "tool_use",
        ),
        Step::Call { tool, input: value } => (call(tool), input(value), "tool_use"),
        Step::Say(text) => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
    };
    let usage = json!({"input_tokens": 10, "output_tokens": 10});
    let message = json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": "scripted",
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}

fn input(value: &Value) -> Value {
    json!({"type": "input_json_delta", "partial_json": value.to_string()})
}
