//! What the page of a check says, in each language. What it shares with the page of a scan is in that one's words.

use crate::check::State;
use crate::language::Language;
use sekisho_model::SubjectKind;

/// The words of one language. `{}` stands for a number.
pub(super) struct CheckWords {
    pub(super) page: &'static str,
    pub(super) targets: &'static str,
    pub(super) namespace: &'static str,
    pub(super) refused: &'static str,
    pub(super) refused_count: &'static str,
    pub(super) passed: &'static str,
    pub(super) passed_more: &'static str,
    pub(super) warn_only: &'static str,
    pub(super) unknown: &'static str,
    pub(super) unknown_more: &'static str,
    pub(super) incomplete: &'static str,
    pub(super) incomplete_more: &'static str,
    pub(super) empty: &'static str,
    pub(super) empty_more: &'static str,
    pub(super) stage: &'static str,
    pub(super) subjects: &'static str,
    pub(super) policies: &'static str,
    pub(super) checked: &'static str,
    pub(super) by_severity: &'static str,
    pub(super) by_outcome: &'static str,
    pub(super) by_kind: &'static str,
    pub(super) to_do: &'static str,
    pub(super) to_do_more: &'static str,
    pub(super) policies_left: &'static str,
    pub(super) violations: &'static str,
    pub(super) no_violations: &'static str,
    pub(super) policy: &'static str,
    pub(super) what: &'static str,
    pub(super) subject: &'static str,
    pub(super) outcome: &'static str,
    pub(super) what_to_do: &'static str,
    pub(super) at: &'static str,
    pub(super) fix: &'static str,
    pub(super) patch: &'static str,
    pub(super) details: &'static str,
    pub(super) looks_for: &'static str,
    pub(super) language: &'static str,
    pub(super) controls: &'static str,
    pub(super) only_fixable: &'static str,
    pub(super) not_known: &'static str,
    pub(super) not_known_more: &'static str,
    pub(super) excepted: &'static str,
    pub(super) excepted_more: &'static str,
    pub(super) not_evaluated: &'static str,
    pub(super) not_evaluated_more: &'static str,
    pub(super) until: &'static str,
    pub(super) images: &'static str,
    states: [&'static str; 5],
    kinds: [&'static str; 3],
}

impl CheckWords {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Ja => &JA,
        }
    }

    pub(super) fn state(&self, state: State) -> &'static str {
        self.states[state as usize]
    }

    pub(super) fn kind(&self, kind: SubjectKind) -> &'static str {
        self.kinds[kind as usize]
    }
}

static EN: CheckWords = CheckWords {
    page: "Policy report",
    targets: "Subjects checked: {}",
    namespace: " in namespace {}",
    refused: "Refused by the gate",
    refused_count: "Violations that do not pass: {}.",
    passed: "Passed the gate",
    passed_more: "No violation fails the check.",
    warn_only: "Violations only warn.",
    unknown: "The gate cannot tell",
    unknown_more: "No violation is known to fail the check, but not all is known.",
    incomplete: "Incomplete",
    incomplete_more: "Not everything could be read or judged. Violations may be missing below.",
    empty: "Nothing checked",
    empty_more: "No policy was asked about anything. That nothing is listed does not mean that nothing is wrong.",
    stage: "Stage",
    subjects: "Subjects",
    policies: "Policies",
    checked: "Checked",
    by_severity: "Violations by severity",
    by_outcome: "What does not pass",
    by_kind: "Violations by kind",
    to_do: "What to do",
    to_do_more: "Violated policies, the worst first, with the number of subjects that violate each.",
    policies_left: "Further policies that are not listed: {}.",
    violations: "Violations",
    no_violations: "No violations.",
    policy: "Policy",
    what: "What is wrong",
    subject: "Subject",
    outcome: "Result",
    what_to_do: "What to do",
    at: "Field",
    fix: "Fix",
    patch: "JSON Patch",
    details: "Details",
    looks_for: "Looks for",
    language: "Written in",
    controls: "Controls",
    only_fixable: "with a fix only",
    not_known: "Not known",
    not_known_more: "These could not be judged, and may be violated.",
    excepted: "Excepted",
    excepted_more: "These count for no gate: somebody answers for that.",
    not_evaluated: "Not evaluated",
    not_evaluated_more: "These policies ask for facts that nobody asked for.",
    until: "Until",
    images: "Give --images to have the images looked at that the manifests name.",
    states: ["fails", "warns", "not known", "excepted", "not evaluated"],
    kinds: ["Workloads", "Other objects", "Images"],
};

static JA: CheckWords = CheckWords {
    page: "ポリシーレポート",
    targets: "検査対象 {} 件",
    namespace: " (名前空間 {})",
    refused: "ゲート不合格",
    refused_count: "不合格とされた違反: {} 件。",
    passed: "ゲート合格",
    passed_more: "不合格となる違反はありません。",
    warn_only: "違反は警告のみです。",
    unknown: "ゲート判定不能",
    unknown_more: "不合格となる違反は見つかっていませんが、分かっていないことがあります。",
    incomplete: "不完全な結果",
    incomplete_more: "読み取りまたは判定できなかったものがあります。以下に載っていない違反があるかもしれません。",
    empty: "検査対象なし",
    empty_more: "どのポリシーも適用されていません。一覧が空でも、問題が無いという意味ではありません。",
    stage: "段階",
    subjects: "検査対象数",
    policies: "ポリシー数",
    checked: "検査日時",
    by_severity: "深刻度別の違反数",
    by_outcome: "合格しなかったもの",
    by_kind: "種類別の違反数",
    to_do: "行うこと",
    to_do_more: "違反のあるポリシーを深刻なものから順に、違反している対象の数とともに示します。",
    policies_left: "ここに載せていないポリシー: {} 件。",
    violations: "違反",
    no_violations: "違反はありません。",
    policy: "ポリシー",
    what: "違反の内容",
    subject: "対象",
    outcome: "結果",
    what_to_do: "対処",
    at: "フィールド",
    fix: "修正",
    patch: "JSON Patch",
    details: "詳細",
    looks_for: "検査内容",
    language: "記述言語",
    controls: "管理策",
    only_fixable: "修正案ありのみ",
    not_known: "判定できなかったもの",
    not_known_more: "判定できなかったため、違反している可能性があります。",
    excepted: "例外とされた違反",
    excepted_more: "責任者の判断により、ゲートの対象外です。",
    not_evaluated: "評価していないポリシー",
    not_evaluated_more: "評価に必要な情報の取得が指定されていません。",
    until: "期限",
    images: "--images を付けると、マニフェストが参照するイメージも調べます。",
    states: ["不合格", "警告のみ", "判定不能", "例外", "未評価"],
    kinds: ["ワークロード", "その他のオブジェクト", "イメージ"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_lists_are_those_of_the_variants() {
        assert_eq!(EN.state(State::Fails), "fails");
        assert_eq!(EN.state(State::NotEvaluated), "not evaluated");
        assert_eq!(EN.kind(SubjectKind::Workload), "Workloads");
        assert_eq!(JA.kind(SubjectKind::Image), "イメージ");
    }
}
