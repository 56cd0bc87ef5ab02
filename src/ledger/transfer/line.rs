//! A row as a line of a file: a JSON array of the table's name and its values, bytes in hexadecimal.
//! Knows nothing of other lines.

use std::fmt::Write as _;

use serde_json::Value;

use super::tables::{Column, Kind, TABLES, Table};
use crate::ledger::cell::{Cell, Row};

/// Why a line is not one that usher writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLine {
    #[error("it is not a row of a table")]
    NotARow,
    #[error("it has a value of the wrong kind in {0}")]
    Value(&'static str),
}

/// Appends the line of a row, its end included.
pub(super) fn write(line: &mut Vec<u8>, table: &Table, row: &[Cell]) -> serde_json::Result<()> {
    line.extend_from_slice(b"[\"");
    line.extend_from_slice(table.name.as_bytes());
    line.push(b'"');
    for cell in row {
        line.push(b',');
        write_cell(line, cell)?;
    }
    line.extend_from_slice(b"]\n");
    Ok(())
}

fn write_cell(line: &mut Vec<u8>, cell: &Cell) -> serde_json::Result<()> {
    match cell {
        Cell::Null => serde_json::to_writer(line, &()),
        Cell::Number(number) => serde_json::to_writer(line, number),
        Cell::Text(text) => serde_json::to_writer(line, text),
        Cell::Bytes(bytes) => serde_json::to_writer(line, &hex(bytes)),
    }
}

/// The table, by its place, and the values of a line.
pub(super) fn read(line: &[u8]) -> Result<(usize, Row), BadLine> {
    let values: Vec<Value> = serde_json::from_slice(line).or(Err(BadLine::NotARow))?;
    let mut values = values.into_iter();
    let name = values.next().ok_or(BadLine::NotARow)?;
    let number = TABLES.iter().position(|table| name.as_str() == Some(table.name)).ok_or(BadLine::NotARow)?;
    let columns = TABLES[number].columns;
    if values.len() != columns.len() {
        return Err(BadLine::NotARow);
    }
    let row = values.zip(columns).map(|(value, column)| read_cell(value, column)).collect::<Result<_, _>>()?;
    Ok((number, row))
}

fn read_cell(value: Value, column: &'static Column) -> Result<Cell, BadLine> {
    let bad = BadLine::Value(column.name);
    match (value, column.kind) {
        (Value::Null, _) => Ok(Cell::Null),
        (Value::Number(number), Kind::Number) => number.as_i64().map(Cell::Number).ok_or(bad),
        (Value::String(text), Kind::Text) => Ok(Cell::Text(text)),
        (Value::String(text), Kind::Bytes) => unhex(&text).map(Cell::Bytes).ok_or(bad),
        _ => Err(bad),
    }
}

/// Bytes as two digits each.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(kind: Kind) -> BoxedStrategy<Cell> {
        match kind {
            Kind::Number => any::<i64>().prop_map(Cell::Number).boxed(),
            Kind::Text => any::<String>().prop_map(Cell::Text).boxed(),
            Kind::Bytes => prop::collection::vec(any::<u8>(), 0..40).prop_map(Cell::Bytes).boxed(),
        }
    }

    /// A row of a table, and the table's place.
    pub(in super::super) fn row() -> impl Strategy<Value = (usize, Row)> {
        (0..TABLES.len()).prop_flat_map(|number| {
            let columns = TABLES[number].columns.iter();
            let cells: Vec<_> = columns.map(|column| prop_oneof![Just(Cell::Null), cell(column.kind)]).collect();
            (Just(number), cells)
        })
    }

    proptest! {
        #[test]
        fn every_row_is_one_line_and_comes_back(written in row()) {
            let mut line = Vec::new();
            write(&mut line, &TABLES[written.0], &written.1).unwrap();
            prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            prop_assert_eq!(read(&line), Ok(written));
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in "[\\[\\]\",a-z0-9]{0,40}") {
            let _ = read(line.as_bytes());
        }
    }

    #[test]
    fn what_does_not_fit_its_column_is_told() {
        let line = |text: &str| read(text.as_bytes());
        assert_eq!(line(r#"["keys_late",1,"0f"]"#), Ok((1, vec![Cell::Number(1), Cell::Bytes(vec![15])])));
        assert_eq!(line(r#"["keys_late","1","0f"]"#), Err(BadLine::Value("seq")));
        assert_eq!(line(r#"["keys_late",1.5,"0f"]"#), Err(BadLine::Value("seq")));
        assert_eq!(line(r#"["keys_late",1,"0"]"#), Err(BadLine::Value("id")));
        assert_eq!(line(r#"["keys_late",1,"0g"]"#), Err(BadLine::Value("id")));
        for text in [r#"["keys_late",1]"#, r#"["nothing",1,"0f"]"#, "[]", "{}", "", "[1,1,\"0f\"]"] {
            assert_eq!(line(text), Err(BadLine::NotARow), "{text}");
        }
    }
}
