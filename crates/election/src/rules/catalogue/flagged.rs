//! Rules 200–299: what is counted and marked.

use super::{Rule, RuleText};
use crate::{
    form::Certainty,
    rules::{RuleCode, Severity},
};

const fn flagged(
    code: RuleCode,
    checks: &'static str,
    source: &'static str,
    certainty: Certainty,
    text: RuleText,
) -> Rule {
    Rule { code, default_severity: Severity::Flag, checks, source, certainty, text }
}

pub(super) static FOUND_BELOW_ISSUED: Rule = flagged(
    RuleCode::FoundBelowIssued,
    "found ballots ≥ issued",
    "practice: a voter may carry a ballot away",
    Certainty::Assumed,
    RuleText {
        kk: "Жәшіктерден берілгенінен аз бюллетень табылған: кейбірін алып кеткен болуы мүмкін. Екі санды да тексеріңіз; дұрыс болса, ештеңе істемеңіз.",
        ru: "В ящиках найдено меньше бюллетеней, чем выдано: часть могли унести. Проверьте оба числа; если они верны, делать ничего не нужно.",
        en: "Fewer ballots were found than issued: some may have been carried away. Check both numbers; if they are right, do nothing.",
    },
);

pub(super) static INVALID_SHARE_HIGH: Rule = flagged(
    RuleCode::InvalidShareHigh,
    "invalid ballots are less than 3 % of the found (or of valid + invalid)",
    "practice: 3 % is this project's line",
    Certainty::Assumed,
    RuleText {
        kk: "Жарамсыз бюллетеньдер үлесі 3 % немесе одан көп. Санды тексеріңіз; дұрыс болса, ештеңе істемеңіз.",
        ru: "Доля недействительных бюллетеней 3 % или больше. Проверьте число; если оно верно, делать ничего не нужно.",
        en: "Invalid ballots are 3 % or more. Check the number; if it is right, do nothing.",
    },
);

pub(super) static TURNOUT_COMPLETE: Rule = flagged(
    RuleCode::TurnoutComplete,
    "issued ballots (found, on a form without issued) are not all voters on the list and added",
    "practice: complete turnout is rare outside small stations",
    Certainty::Assumed,
    RuleText {
        kk: "Тізімдегі барлық сайлаушы дауыс берген. Сандарды тексеріңіз; дұрыс болса, ештеңе істемеңіз.",
        ru: "Проголосовали все избиратели списка. Проверьте числа; если они верны, делать ничего не нужно.",
        en: "Every voter on the list has voted. Check the numbers; if they are right, do nothing.",
    },
);

pub(super) static DIGITS_TRANSPOSED: Rule = flagged(
    RuleCode::DigitsTransposed,
    "a sum (rules 100–103) is not off by a multiple of 9 that swapping two adjacent digits of one figure mends",
    "practice: 3,341,510 was published for 3,431,510 on 20 March 2023",
    Certainty::Found,
    RuleText {
        kk: "Аталған санда қатар тұрған екі цифрдың орны ауысқан болуы мүмкін. Қағаз хаттамамен салыстырып, қате болса, түзетілген хаттама жіберіңіз.",
        ru: "В названном числе, вероятно, переставлены две соседние цифры. Сверьте с бумажным протоколом и при ошибке отправьте исправленный.",
        en: "Two adjacent digits of the figure named are likely transposed. Compare with the paper protocol and, if so, send a corrected one.",
    },
);

pub(super) static ISSUED_DIFFERS_FROM_TURNOUT: Rule = flagged(
    RuleCode::IssuedDiffersFromTurnout,
    "issued ballots of the list protocol = the station's last turnout report",
    "practice: both count signatures in the list",
    Certainty::Assumed,
    RuleText {
        kk: "Хаттамадағы берілген бюллетеньдер саны соңғы келу хабарламасындағы саннан өзгеше. Қай сан дұрыс екенін тексеріп, қатесін түзетіңіз.",
        ru: "Число выданных бюллетеней в протоколе отличается от последнего сообщения о явке. Проверьте, какое число верно, и исправьте ошибочное.",
        en: "Ballots issued in the protocol are not those of the last turnout report. Check which number is right and correct the other.",
    },
);

pub(super) static TURNOUT_FALLS: Rule = flagged(
    RuleCode::TurnoutFalls,
    "a turnout report is not below the report of an earlier slot",
    "practice: figures are cumulative; Turkistan 41.07 after 49.14 was published on 19 March 2023",
    Certainty::Found,
    RuleText {
        kk: "Бюллетень алғандар саны алдыңғы уақыттағыдан аз, ал ол тек өсуі керек. Қай хабарлама қате екенін тексеріп, соны түзетіңіз.",
        ru: "Число получивших бюллетень меньше, чем в более раннее время, а оно может только расти. Проверьте, какое сообщение ошибочно, и исправьте его.",
        en: "Fewer voters received a ballot than at an earlier hour, but this number can only grow. Find the wrong report and correct it.",
    },
);

pub(super) static CONTESTS_FAR_APART: Rule = flagged(
    RuleCode::ContestsFarApart,
    "ballots found (or issued) of two contests of one station differ by at most 10, or at most 2 %",
    "practice: a voter receives one ballot of each contest",
    Certainty::Assumed,
    RuleText {
        kk: "Учаскенің екі хаттамасындағы бюллетеньдер саны бір-бірінен алшақ. Екі хаттаманы салыстырып, қате болса, түзетіңіз.",
        ru: "Числа бюллетеней в двух протоколах участка далеки друг от друга. Сравните оба протокола и при ошибке исправьте.",
        en: "The numbers of ballots in the station's two protocols are far apart. Compare both and correct the wrong one, if any.",
    },
);

pub(super) static VOTES_FOR_WITHDRAWN: Rule = flagged(
    RuleCode::VotesForWithdrawn,
    "no votes for an option that withdrew",
    "practice: withdrawn candidates are crossed out by hand (liter.kz)",
    Certainty::Press,
    RuleText {
        kk: "Шығып қалған кандидатқа немесе тізімге дауыс жазылған. Бюллетеньдерді тексеріңіз; мұндай дауыс бойынша шешімді комиссия қабылдайды.",
        ru: "Записаны голоса за выбывшего кандидата или список. Проверьте бюллетени; как быть с такими голосами, решает комиссия.",
        en: "There are votes for a candidate or list that withdrew. Check the ballots; the commission decides what such votes are.",
    },
);

pub(super) static HISTORY_INCOMPLETE: Rule = flagged(
    RuleCode::HistoryIncomplete,
    "a correction names a content of the revision before, and that one is there",
    "design, D3",
    Certainty::Derived,
    RuleText {
        kk: "Түзетілген хаттаманың алдыңғы нұсқасы жоқ немесе көрсетілмеген. Алдыңғы хаттаманы да жіберіңіз.",
        ru: "Предыдущей редакции исправленного протокола нет или она не указана. Отправьте и предыдущий протокол.",
        en: "The protocol that this one corrects is missing or not named. Send the earlier protocol as well.",
    },
);

pub(super) static SIGNATORY_DISSENTS: Rule = flagged(
    RuleCode::SignatoryDissents,
    "every signatory signed, without a dissenting opinion",
    "art. 44(3): the chair and the members sign",
    Certainty::Older,
    RuleText {
        kk: "Комиссия мүшесі қол қоюдан бас тартқан немесе ерекше пікір білдірген. Оның жазбаша пікірін хаттамаға қоса сақтаңыз.",
        ru: "Член комиссии отказался подписать или выразил особое мнение. Храните его письменное мнение вместе с протоколом.",
        en: "A member of the commission refused to sign or dissented. Keep the written opinion with the protocol.",
    },
);

pub(super) static COMPLAINTS_LODGED: Rule = flagged(
    RuleCode::ComplaintsLodged,
    "no complaints were lodged",
    "practice: complaints are kept with the protocol",
    Certainty::Assumed,
    RuleText {
        kk: "Шағымдар түскен. Оларды хаттамаға қоса сақтап, жоғары тұрған комиссияға тапсырыңыз.",
        ru: "Поданы жалобы. Храните их вместе с протоколом и передайте вышестоящей комиссии.",
        en: "Complaints were lodged. Keep them with the protocol and hand them to the superior commission.",
    },
);

pub(super) static CONFIRMED_BY_DECISION: Rule = flagged(
    RuleCode::ConfirmedByDecision,
    "counted although a holding rule fires, since a commission's decision confirms it",
    "design, D9 and D10",
    Certainty::Derived,
    RuleText {
        kk: "Хаттамада қайшылық бар, бірақ комиссия оны өз шешімімен растады: ол есепке алынды. Ештеңе істеудің қажеті жоқ.",
        ru: "В протоколе есть противоречие, но комиссия подтвердила его решением: он учтён. Делать ничего не нужно.",
        en: "The protocol contradicts itself, but a commission confirmed it by a decision: it is counted. Nothing need be done.",
    },
);

pub(super) static TARGET_ABSENT: Rule = flagged(
    RuleCode::TargetAbsent,
    "the content that a decision names is there",
    "design, D3 and D10",
    Certainty::Derived,
    RuleText {
        kk: "Шешімде аталған хаттама жүйеде жоқ. Хаттаманың белгісін тексеріңіз; хаттама келгенде шешім күшіне енеді.",
        ru: "Протокола, названного в решении, в системе нет. Проверьте его отпечаток; решение подействует, когда протокол поступит.",
        en: "The protocol that the decision names is not in the system. Check its digest; the decision takes effect when the protocol arrives.",
    },
);
