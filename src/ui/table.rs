//! Text in the room that there is: tables, and lines that are cut.

use std::fmt::Write as _;

use console::{measure_text_width, truncate_str};

const GAP: usize = 2;

/// The table's lines, in columns; `width` is the room that there is, if it ends anywhere.
pub(super) fn layout(
    header: &[&str],
    rows: &[Vec<String>],
    spare: &[&str],
    width: Option<usize>,
) -> String {
    let mut table: Vec<Vec<String>> = vec![header.iter().map(ToString::to_string).collect()];
    table.extend(rows.iter().cloned());
    let mut widths = widths_of(&table);
    if let Some(width) = width {
        for name in spare {
            if total(&widths) > width {
                leave_out(&mut table, name);
                widths = widths_of(&table);
            }
        }
        shrink(&mut widths, &table[0], width);
    }
    let mut text = String::new();
    for row in &table {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = match column {
                // Names that begin alike are told apart by how they end.
                0 => cut_in_the_middle(cell, *width).into(),
                _ => truncate_str(cell, *width, "…"),
            };
            let pad = width.saturating_sub(measure_text_width(&cell)) + GAP;
            let _ = write!(line, "{cell}{:pad$}", "");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `text`, which has no escapes, at most `width` columns wide: its beginning and its end.
pub(super) fn cut_in_the_middle(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let end = room / 2;
    let beginning = truncate_str(text, room - end, "");
    let tail = (0..=text.len())
        .filter_map(|from| text.get(from..))
        .find(|tail| measure_text_width(tail) <= end)
        .unwrap_or_default();
    format!("{beginning}…{tail}")
}

fn widths_of(table: &[Vec<String>]) -> Vec<usize> {
    let columns = table.first().map_or(0, Vec::len);
    let cells = |column: usize| {
        table
            .iter()
            .map(move |row| measure_text_width(&row[column]))
    };
    (0..columns)
        .map(|column| cells(column).max().unwrap_or(0))
        .collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn leave_out(table: &mut [Vec<String>], name: &str) {
    if let Some(column) = table[0].iter().position(|head| head == name) {
        for row in table {
            row.remove(column);
        }
    }
}

/// Takes from the widest column, one by one, until the table fits; no column gets narrower than its head.
fn shrink(widths: &mut [usize], header: &[String], room: usize) {
    let floor: Vec<usize> = header
        .iter()
        .map(|h| measure_text_width(h).max(4))
        .collect();
    while total(widths) > room {
        let wide = |column: &usize| widths[*column] > floor[*column];
        let Some(widest) = (0..widths.len())
            .filter(wide)
            .max_by_key(|&column| widths[column])
        else {
            return;
        };
        widths[widest] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_table_leaves_out_what_is_spare_and_then_cuts() {
        let rows = vec![vec![
            "a-long-task".into(),
            "wt/a-long-task".into(),
            "+1".into(),
        ]];
        let table = |width| layout(&["TASK", "BRANCH", "+/-"], &rows, &["BRANCH"], width);
        assert_eq!(table(Some(40)), table(None));
        assert_eq!(
            table(None),
            "TASK         BRANCH          +/-\na-long-task  wt/a-long-task  +1\n"
        );
        assert_eq!(table(Some(20)), "TASK         +/-\na-long-task  +1\n");
        assert_eq!(table(Some(12)), "TASK     +/-\na-l…ask  +1\n");
    }

    #[test]
    fn what_is_cut_keeps_its_beginning_and_its_end() {
        assert_eq!(cut_in_the_middle("größe-des-äöü", 13), "größe-des-äöü");
        assert_eq!(cut_in_the_middle("größe-des-äöü", 8), "größ…äöü");
        assert_eq!(cut_in_the_middle("文字文字文字", 7), "文…字");
        assert_eq!(cut_in_the_middle("abc", 1), "…");
    }
}
