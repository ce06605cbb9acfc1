//! What the page says, in each language.

use crate::language::Language;
use sekisho_model::{FindingStatus, Origin, Severity};

/// The words of one language. `{}` stands for a number.
pub(super) struct Words {
    pub(super) page: &'static str,
    pub(super) refused: &'static str,
    pub(super) refused_count: &'static str,
    pub(super) passed: &'static str,
    pub(super) passed_more: &'static str,
    pub(super) unknown: &'static str,
    pub(super) unnamed: &'static str,
    pub(super) unknown_more: &'static str,
    pub(super) not_scanned: &'static str,
    pub(super) not_scanned_more: &'static str,
    pub(super) incomplete: &'static str,
    pub(super) incomplete_more: &'static str,
    pub(super) more: &'static str,
    pub(super) image_id: &'static str,
    pub(super) platform: &'static str,
    pub(super) base_image: &'static str,
    pub(super) base_layers: &'static str,
    pub(super) system: &'static str,
    pub(super) packages: &'static str,
    pub(super) assessed: &'static str,
    pub(super) advisories: &'static str,
    pub(super) made_by: &'static str,
    pub(super) by_severity: &'static str,
    pub(super) by_origin: &'static str,
    pub(super) by_fix: &'static str,
    pub(super) fixable: &'static str,
    pub(super) not_fixable: &'static str,
    pub(super) no_findings: &'static str,
    pub(super) first: &'static str,
    pub(super) first_more: &'static str,
    pub(super) first_none: &'static str,
    pub(super) upgrades_left: &'static str,
    pub(super) findings: &'static str,
    pub(super) suppressed: &'static str,
    pub(super) suppressed_more: &'static str,
    pub(super) why: &'static str,
    pub(super) notes: &'static str,
    pub(super) severity: &'static str,
    pub(super) vulnerability: &'static str,
    pub(super) package: &'static str,
    pub(super) installed: &'static str,
    pub(super) upgrade_to: &'static str,
    pub(super) fix: &'static str,
    pub(super) removes: &'static str,
    pub(super) origin: &'static str,
    pub(super) epss: &'static str,
    pub(super) exploited: &'static str,
    pub(super) exploited_since: &'static str,
    pub(super) ransomware: &'static str,
    pub(super) refused_tag: &'static str,
    pub(super) layer: &'static str,
    pub(super) found_in: &'static str,
    pub(super) aliases: &'static str,
    pub(super) ratings: &'static str,
    pub(super) sources: &'static str,
    pub(super) published: &'static str,
    pub(super) references: &'static str,
    pub(super) search: &'static str,
    pub(super) least: &'static str,
    pub(super) any: &'static str,
    pub(super) only_fixable: &'static str,
    pub(super) only_exploited: &'static str,
    pub(super) only_refused: &'static str,
    pub(super) shown: &'static str,
    severities: [&'static str; 6],
    origins: [&'static str; 3],
    statuses: [&'static str; 6],
}

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Ja => &JA,
        }
    }

    pub(super) fn severity_of(&self, severity: Severity) -> &'static str {
        self.severities[severity as usize]
    }

    pub(super) fn origin_of(&self, origin: Origin) -> &'static str {
        self.origins[origin as usize]
    }

    pub(super) fn status_of(&self, status: FindingStatus) -> &'static str {
        self.statuses[status as usize]
    }
}

/// `text` with `count` in the place of `{}`.
pub(super) fn fill(text: &str, count: usize) -> String {
    text.replacen("{}", &count.to_string(), 1)
}

static EN: Words = Words {
    page: "Vulnerability report",
    refused: "Refused by the gate",
    refused_count: "Findings that do not pass: {}.",
    passed: "Passed the gate",
    passed_more: "Nothing meets the gate's conditions.",
    unknown: "The gate cannot tell",
    unnamed: "unnamed",
    unknown_more: "Nothing is known to meet its conditions, but not all is known.",
    not_scanned: "Not scanned",
    not_scanned_more: "Vulnerabilities were not looked for. That nothing is listed does not mean that nothing is there.",
    incomplete: "Incomplete",
    incomplete_more: "Not everything could be read or judged. Vulnerabilities may be missing below.",
    more: "and {} more",
    image_id: "Image ID",
    platform: "Platform",
    base_image: "Base image",
    base_layers: "its lowest layers: {}",
    system: "System",
    packages: "Packages",
    assessed: "Assessed",
    advisories: "Advisories",
    made_by: "Made by",
    by_severity: "Findings by severity",
    by_origin: "Where they come from",
    by_fix: "What can be fixed",
    fixable: "A fixed version exists",
    not_fixable: "No fixed version",
    no_findings: "No findings.",
    first: "What to do first",
    first_more: "Upgrades that remove the most and the worst. Packages built from one source are one line; counts are of vulnerabilities.",
    first_none: "No finding has a fixed version yet.",
    upgrades_left: "Further upgrades that are not listed: {}.",
    findings: "Findings",
    suppressed: "Suppressed",
    suppressed_more: "These count for no gate: somebody answers for that.",
    why: "Why",
    notes: "Notes",
    severity: "Severity",
    vulnerability: "Vulnerability",
    package: "Package",
    installed: "Installed",
    upgrade_to: "Upgrade to",
    fix: "Fix",
    removes: "Removes",
    origin: "From",
    epss: "EPSS",
    exploited: "Known exploited",
    exploited_since: "Known exploited since",
    ransomware: "used by ransomware",
    refused_tag: "refused",
    layer: "Layer",
    found_in: "Found in",
    aliases: "Also known as",
    ratings: "Ratings",
    sources: "Said by",
    published: "Published",
    references: "References",
    search: "Search",
    least: "At least",
    any: "any",
    only_fixable: "fixable only",
    only_exploited: "known exploited only",
    only_refused: "refused only",
    shown: "{} of {} shown",
    severities: ["Unknown", "Negligible", "Low", "Medium", "High", "Critical"],
    origins: ["Base image", "Application", "Unknown"],
    statuses: [
        "fixed",
        "no fix known",
        "fix planned",
        "will not be fixed",
        "release out of support",
        "being looked into",
    ],
};

static JA: Words = Words {
    page: "脆弱性レポート",
    refused: "ゲート不合格",
    refused_count: "不合格とされた検出: {} 件。",
    passed: "ゲート合格",
    passed_more: "ゲートの条件に当たるものはありません。",
    unknown: "ゲート判定不能",
    unnamed: "名前なし",
    unknown_more: "条件に当たるものは見つかっていませんが、分かっていないことがあります。",
    not_scanned: "未検査",
    not_scanned_more: "脆弱性は調べられていません。一覧が空でも、脆弱性が無いという意味ではありません。",
    incomplete: "不完全な結果",
    incomplete_more: "読み取りまたは判定できなかったものがあります。以下に載っていない脆弱性があるかもしれません。",
    more: "ほか {} 件",
    image_id: "イメージ ID",
    platform: "プラットフォーム",
    base_image: "ベースイメージ",
    base_layers: "下から {} レイヤー",
    system: "OS",
    packages: "パッケージ数",
    assessed: "判定日時",
    advisories: "アドバイザリー",
    made_by: "作成",
    by_severity: "深刻度別の検出数",
    by_origin: "由来",
    by_fix: "修正の有無",
    fixable: "修正版あり",
    not_fixable: "修正版なし",
    no_findings: "検出はありません。",
    first: "最初に行うこと",
    first_more: "深刻な脆弱性を最も多く取り除く更新の順です。同じソースから作られたパッケージは 1 行にまとめ、件数は脆弱性の数です。",
    first_none: "修正版のある検出はまだありません。",
    upgrades_left: "ここに載せていない更新: {} 件。",
    findings: "検出",
    suppressed: "抑制された検出",
    suppressed_more: "責任者の判断により、ゲートの対象外です。",
    why: "理由",
    notes: "注記",
    severity: "深刻度",
    vulnerability: "脆弱性",
    package: "パッケージ",
    installed: "現在の版",
    upgrade_to: "更新先",
    fix: "修正",
    removes: "解消される件数",
    origin: "由来",
    epss: "EPSS",
    exploited: "悪用確認済み",
    exploited_since: "悪用確認日",
    ransomware: "ランサムウェアで使用",
    refused_tag: "不合格",
    layer: "レイヤー",
    found_in: "場所",
    aliases: "別名",
    ratings: "評価",
    sources: "情報源",
    published: "公開日",
    references: "参考情報",
    search: "検索",
    least: "深刻度の下限",
    any: "すべて",
    only_fixable: "修正版あり",
    only_exploited: "悪用確認済み",
    only_refused: "不合格のみ",
    shown: "{} / {} 件を表示",
    severities: ["不明", "軽微", "注意", "警告", "重要", "緊急"],
    origins: ["ベースイメージ", "アプリケーション", "不明"],
    statuses: ["修正済み", "修正版なし", "修正予定", "修正されない", "サポート終了", "調査中"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_lists_are_those_of_the_variants() {
        assert_eq!(EN.severity_of(Severity::Critical), "Critical");
        assert_eq!(EN.origin_of(Origin::Application), "Application");
        assert_eq!(EN.status_of(FindingStatus::EndOfLife), "release out of support");
        assert_eq!(EN.status_of(FindingStatus::UnderInvestigation), "being looked into");
        assert_eq!(fill(JA.more, 3), "ほか 3 件");
    }
}
