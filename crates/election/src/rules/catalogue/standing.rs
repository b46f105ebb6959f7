//! Codes 300–399: why something stands as it does. They mark a standing that other things decided.

use super::{Rule, RuleText};
use crate::{
    form::Certainty,
    rules::{RuleCode, Severity},
};

/// A standing is no severity: the code marks it, and the outcome's own word says whether it counts.
const fn standing(
    code: RuleCode,
    checks: &'static str,
    source: &'static str,
    certainty: Certainty,
    text: RuleText,
) -> Rule {
    Rule { code, default_severity: Severity::Flag, checks, source, certainty, text }
}

pub(super) static CONTESTED_REVISION: Rule = standing(
    RuleCode::ContestedRevision,
    "another content stands under the same revision: neither counts, a lower revision does",
    "design, D3",
    Certainty::Derived,
    RuleText {
        kk: "Бір редакция нөмірімен әртүрлі екі хаттама келді: екеуі де есепке алынбайды. Келесі нөмірмен түзетілген хаттама жіберіңіз немесе комиссия біреуін таңдасын.",
        ru: "Под одним номером редакции поступили разные протоколы: ни один не учтён. Отправьте исправленный со следующим номером, или пусть комиссия выберет один.",
        en: "Different protocols arrived under one revision: none of them counts. Send a corrected one under the next number, or have the commission choose.",
    },
);

pub(super) static ANNULLED_BY_DECISION: Rule = standing(
    RuleCode::AnnulledByDecision,
    "a decision annulled the content, or the station's whole contest",
    "art. 95 (results of a unit declared invalid); design, D3",
    Certainty::Older,
    RuleText {
        kk: "Комиссияның шешімімен күші жойылды: есепке алынбайды. Себебі шешімде жазылған.",
        ru: "Отменён решением комиссии: не учитывается. Основание указано в решении.",
        en: "Annulled by a commission's decision: it does not count. The decision gives the reason.",
    },
);

pub(super) static SET_ASIDE_BY_DECISION: Rule = standing(
    RuleCode::SetAsideByDecision,
    "a decision chose another content of this revision",
    "design, D3 and D10",
    Certainty::Derived,
    RuleText {
        kk: "Комиссия осы нөмірмен келген басқа хаттаманы таңдады: бұл есепке алынбайды. Келіспесеңіз, комиссияға хабарласыңыз.",
        ru: "Комиссия выбрала другой протокол под этим номером: этот не учитывается. Если не согласны, обратитесь в комиссию.",
        en: "The commission chose another protocol of this number: this one does not count. If you disagree, call the commission.",
    },
);

pub(super) static SUPERSEDED_BY_REVISION: Rule = standing(
    RuleCode::SupersededByRevision,
    "a higher revision counts",
    "design, D3",
    Certainty::Derived,
    RuleText {
        kk: "Оның орнына кейінгі түзетілген хаттама есепке алынды. Ештеңе істеудің қажеті жоқ.",
        ru: "Вместо него учтена более поздняя, исправленная редакция. Делать ничего не нужно.",
        en: "A later, corrected protocol counts in its place. Nothing need be done.",
    },
);

pub(super) static OVERRULED_BY_DECISION: Rule = standing(
    RuleCode::OverruledByDecision,
    "another decision on the same thing is of a higher commission, or of the same one under a higher number",
    "design, D10; a superior commission decides over a lower one: assumed",
    Certainty::Assumed,
    RuleText {
        kk: "Осы мәселе бойынша жоғары тұрған комиссияның немесе кейінгі шешім күшінде: бұл шешім қолданылмайды. Ештеңе істеудің қажеті жоқ.",
        ru: "По этому вопросу действует решение вышестоящей комиссии или более позднее: это не применяется. Делать ничего не нужно.",
        en: "A higher commission's or a later decision on the same thing holds: this one has no effect. Nothing need be done.",
    },
);

pub(super) static SAME_CONTENT: Rule = standing(
    RuleCode::SameContent,
    "the same content was there already: it counts once",
    "design, D3",
    Certainty::Derived,
    RuleText {
        kk: "Дәл осындай сандар бұрын келген: олар бір рет есепке алынады. Ештеңе істеудің қажеті жоқ.",
        ru: "Точно такие же данные уже поступили: они учитываются один раз. Делать ничего не нужно.",
        en: "The same figures were there already: they count once. Nothing need be done.",
    },
);

pub(super) static CONTESTED_NUMBER: Rule = standing(
    RuleCode::ContestedNumber,
    "two different decisions or amendments of one author stand under one number",
    "design, D10",
    Certainty::Derived,
    RuleText {
        kk: "Бір нөмірмен әртүрлі екі шешім немесе өзгеріс келді: екеуі де қолданылмайды. Қайсысы дұрыс екенін анықтап, операторға хабарласыңыз; шешімді жаңа нөмірмен қайта шығарыңыз.",
        ru: "Под одним номером поступили разные решения или изменения: ни одно не действует. Выясните, какое верно, и обратитесь к оператору; решение издайте снова под новым номером.",
        en: "Different decisions or amendments arrived under one number: none has effect. Find out which is right and call the operator; issue a decision again under a new number.",
    },
);

pub(super) static PREMISES_GONE: Rule = standing(
    RuleCode::PremisesGone,
    "the options tied or the seats open are no longer those that the decision names",
    "design, D11",
    Certainty::Derived,
    RuleText {
        kk: "Дауыстар өзгерді, сондықтан тең нәтиже туралы шешім қолданылмайды. Тең нәтиже қайта шықса, жаңа шешім қабылдаңыз.",
        ru: "Голоса изменились, поэтому решение о равенстве больше не действует. Если равенство возникнет снова, примите новое решение.",
        en: "The votes changed, so the decision on the tie no longer holds. If there is a tie again, decide anew.",
    },
);
