//! A statement put together from parts, with the values that belong to it; how filters are said in SQL.

use crate::database::storable;
use crate::error::{During, StoreError};
use sekisho_api::filter::{Filter, Operator, Value};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe};

/// A statement that is being written.
pub(crate) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds what is written in the program, never what comes from outside.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value.
    pub(crate) fn bind(&mut self, value: Value) -> &mut Self {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    pub(crate) fn number(&mut self, number: i64) -> &mut Self {
        self.bind(Value::Number(number))
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bind(Value::Text(storable(text)))
    }

    /// Adds ` AND ` and what a filter says, where there is one; `columns` stand at the places of the list's fields.
    pub(crate) fn filter(&mut self, filter: Option<&Filter>, columns: &[&str]) -> &mut Self {
        if let Some(filter) = filter {
            self.push(" AND ");
            self.condition(filter, columns);
        }
        self
    }

    fn condition(&mut self, filter: &Filter, columns: &[&str]) {
        match filter {
            Filter::All(filters) => self.joined(filters, " AND ", columns),
            Filter::Any(filters) => self.joined(filters, " OR ", columns),
            Filter::Not(filter) => {
                self.push("NOT ");
                self.condition(filter, columns);
            }
            Filter::Is { field, operator, value } => {
                let operator = match operator {
                    Operator::Equal => "=",
                    Operator::NotEqual => "<>",
                    Operator::Less => "<",
                    Operator::LessEqual => "<=",
                    Operator::Greater => ">",
                    Operator::GreaterEqual => ">=",
                    Operator::Contains => {
                        let Value::Text(text) = value else { return };
                        self.push("(lower(").push(columns[*field]).push(") LIKE ");
                        self.text(&pattern(text)).push(" ESCAPE '\\')");
                        return;
                    }
                };
                self.push("(").push(columns[*field]).push(" ").push(operator).push(" ");
                match value {
                    Value::Text(text) => self.text(text),
                    Value::Number(number) => self.number(*number),
                };
                self.push(")");
            }
        }
    }

    fn joined(&mut self, filters: &[Filter], by: &str, columns: &[&str]) {
        self.push("(");
        for (place, filter) in filters.iter().enumerate() {
            if place > 0 {
                self.push(by);
            }
            self.condition(filter, columns);
        }
        self.push(")");
    }

    /// All rows.
    pub(crate) async fn rows(&self, pool: &AnyPool, action: &'static str) -> Result<Vec<AnyRow>, StoreError> {
        // Values are bound, and what is pushed is written in the program.
        let query = sqlx::query(AssertSqlSafe(self.sql.clone()));
        let query = self.values.iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(*number),
        });
        query.fetch_all(pool).await.during(action)
    }
}

/// A pattern of `LIKE` for texts that have this in them, in whatever case.
fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for char in text.to_ascii_lowercase().chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "%"
}
