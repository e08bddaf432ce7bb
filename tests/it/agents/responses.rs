//! The responses API, as Codex speaks it.

use serde_json::{Value, json};

use super::endpoint::{Said, Step, Wire, texts};

/// A model that calls Codex's tools by name.
pub(crate) const CALLS: Wire = Wire {
    conversation,
    answer: |step, number| events(number, &call(step, number)),
};

/// A model that has one tool, which runs its JavaScript; that calls the others.
pub(crate) const CODE: Wire = Wire {
    conversation,
    answer: |step, number| events(number, &code(step, number)),
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

fn call(step: &Step, number: usize) -> Value {
    match step {
        Step::Write { path, text } => custom(number, "apply_patch", &addition(path, text)),
        Step::Shell(command) => function(number, "exec_command", &json!({"cmd": command})),
        Step::Call { tool, input } => function(number, tool, input),
        Step::Say(text) => message(number, text),
    }
}

fn code(step: &Step, number: usize) -> Value {
    let script = match step {
        Step::Write { path, text } => format!("tools.apply_patch({})", json!(addition(path, text))),
        Step::Shell(command) => format!("tools.exec_command({})", json!({"cmd": command})),
        Step::Call { tool, input } => format!("tools.{tool}({input})"),
        Step::Say(text) => return message(number, text),
    };
    custom(number, "exec", &format!("text(await {script})"))
}

fn function(number: usize, name: &str, arguments: &Value) -> Value {
    json!({
        "type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"),
        "name": name, "arguments": arguments.to_string(),
    })
}

fn custom(number: usize, name: &str, input: &str) -> Value {
    json!({
        "type": "custom_tool_call", "id": format!("ct_{number}"), "call_id": format!("call_{number}"),
        "status": "completed", "name": name, "input": input,
    })
}

fn message(number: usize, text: &str) -> Value {
    json!({
        "type": "message", "id": format!("m_{number}"), "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
    })
}

/// The stream that says this one item.
fn events(number: usize, item: &Value) -> Vec<Value> {
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
