//! The responses API, as Codex speaks it.

use serde_json::{Value, json};

use super::endpoint::{Said, Step, Wire, texts};

pub(crate) const WIRE: Wire = Wire {
    conversation,
    answer,
};

fn conversation(request: &Value) -> Option<Vec<Said>> {
    let said = |item: &Value| Said {
        by_model: item["role"] == "assistant"
            || item["type"] == "function_call"
            || item["type"] == "custom_tool_call",
        text: texts(item),
    };
    Some(request["input"].as_array()?.iter().map(said).collect())
}

fn answer(step: &Step, number: usize) -> Vec<Value> {
    let call = format!("call_{number}");
    let item = match step {
        Step::Write { path, text } => json!({
            "type": "custom_tool_call", "id": format!("ct_{number}"), "call_id": call, "status": "completed",
            "name": "apply_patch", "input": addition(path, text),
        }),
        Step::Shell(command) => json!({
            "type": "function_call", "id": format!("fc_{number}"), "call_id": call,
            "name": "exec_command", "arguments": json!({"cmd": command}).to_string(),
        }),
        Step::Say(text) => json!({
            "type": "message", "id": format!("m_{number}"), "role": "assistant",
            "content": [{"type": "output_text", "text": text}],
        }),
    };
    let response = format!("resp_{number}");
    vec![
        json!({"type": "response.created", "response": {"id": response}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": response, "usage": {
            "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 10, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 20,
        }}}),
    ]
}

/// The patch that makes a new file.
fn addition(path: &str, text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
    format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")
}
