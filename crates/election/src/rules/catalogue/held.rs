//! Rules 100–199: what holds a content back until it is corrected or a commission confirms it.

use super::{Rule, RuleText};
use crate::{
    form::Certainty,
    rules::{RuleCode, Severity},
};

const fn held(
    code: RuleCode,
    checks: &'static str,
    source: &'static str,
    certainty: Certainty,
    text: RuleText,
) -> Rule {
    Rule { code, default_severity: Severity::Hold, checks, source, certainty, text }
}

pub(super) static SUM_OF_VOTES_DIFFERS: Rule = held(
    RuleCode::SumOfVotesDiffers,
    "valid ballots = votes for all options + against all",
    "arithmetic of the protocol; regional results of 19 March 2023",
    Certainty::Derived,
    RuleText {
        kk: "Жарамды бюллетеньдер саны барлық дауыстың қосындысына тең емес («бәріне қарсы» дауыстарын қоса). Жолдарды қайта санап, түзетілген хаттама жіберіңіз.",
        ru: "Число действительных бюллетеней не равно сумме всех голосов (вместе с «против всех»). Пересчитайте строки и отправьте исправленный протокол.",
        en: "Valid ballots are not the sum of all votes (with \"against all\"). Check the lines and send a corrected protocol.",
    },
);

pub(super) static FOUND_DIFFERS_FROM_COUNTED: Rule = held(
    RuleCode::FoundDiffersFromCounted,
    "found ballots = valid + invalid",
    "arithmetic of the protocol",
    Certainty::Derived,
    RuleText {
        kk: "Жәшіктерден табылған бюллетеньдер жарамды және жарамсыз бюллетеньдердің қосындысына тең емес. Үш санды тексеріп, түзетілген хаттама жіберіңіз.",
        ru: "Найдено в ящиках не столько бюллетеней, сколько действительных и недействительных вместе. Проверьте три числа и отправьте исправленный протокол.",
        en: "The ballots found in the boxes are not valid plus invalid. Check the three numbers and send a corrected protocol.",
    },
);

pub(super) static BALLOTS_UNBALANCED: Rule = held(
    RuleCode::BallotsUnbalanced,
    "received ballots = issued + unused (+ spoiled, on a form that has it)",
    "practice: unused ballots are counted and cancelled before the boxes are opened",
    Certainty::Assumed,
    RuleText {
        kk: "Комиссия алған бюллетеньдер берілген, пайдаланылмаған және бүлінген бюллетеньдердің қосындысына тең емес. Бюллетеньдерді қайта санап, түзетілген хаттама жіберіңіз.",
        ru: "Полученные комиссией бюллетени не равны сумме выданных, неиспользованных и испорченных. Пересчитайте бюллетени и отправьте исправленный протокол.",
        en: "The ballots received are not issued plus unused plus spoiled. Count the ballots again and send a corrected protocol.",
    },
);

pub(super) static RECEIVED_DIFFERS_FROM_COUNTED: Rule = held(
    RuleCode::ReceivedDiffersFromCounted,
    "on a form without issued ballots: received = unused + valid + invalid (+ spoiled, on a form that has it)",
    "identity c = d + e + f of the Romanian protocol, 9 June 2024",
    Certainty::Derived,
    RuleText {
        kk: "Комиссия алған бюллетеньдер пайдаланылмаған, жарамды және жарамсыз бюллетеньдердің қосындысына тең емес. Сандарды тексеріп, түзетілген хаттама жіберіңіз.",
        ru: "Полученные комиссией бюллетени не равны сумме неиспользованных, действительных и недействительных. Проверьте числа и отправьте исправленный протокол.",
        en: "The ballots received are not unused plus valid plus invalid. Check the numbers and send a corrected protocol.",
    },
);

pub(super) static FOUND_EXCEEDS_ISSUED: Rule = held(
    RuleCode::FoundExceedsIssued,
    "found ballots ≤ issued",
    "arithmetic of the protocol; art. 41: a ballot is issued against a signature",
    Certainty::Older,
    RuleText {
        kk: "Жәшіктерден берілгенінен көп бюллетень табылған. Екі санды да тексеріңіз: түзетілген хаттама жіберіңіз немесе жоғары тұрған комиссиядан растау сұраңыз.",
        ru: "В ящиках найдено больше бюллетеней, чем выдано. Проверьте оба числа: отправьте исправленный протокол или попросите вышестоящую комиссию подтвердить.",
        en: "More ballots were found than issued. Check both numbers: send a corrected protocol, or ask the superior commission to confirm.",
    },
);

pub(super) static ISSUED_EXCEEDS_VOTERS: Rule = held(
    RuleCode::IssuedExceedsVoters,
    "issued ballots ≤ voters on the list (+ added on the day, on a form that has it)",
    "art. 41: a ballot is issued against a signature in the list",
    Certainty::Older,
    RuleText {
        kk: "Тізімдегі сайлаушылардан көп бюллетень берілген. Тізім мен сол күні қосылғандардың санын тексеріп, түзетілген хаттама жіберіңіз.",
        ru: "Выдано больше бюллетеней, чем избирателей в списке. Проверьте список и число внесённых в день голосования, отправьте исправленный протокол.",
        en: "More ballots were issued than there are voters on the list. Check the list and those added on the day, and send a corrected protocol.",
    },
);

pub(super) static FOUND_EXCEEDS_VOTERS: Rule = held(
    RuleCode::FoundExceedsVoters,
    "on a form without issued ballots: found ≤ voters on the list (+ added, on a form that has it)",
    "art. 41: a ballot is issued against a signature in the list",
    Certainty::Older,
    RuleText {
        kk: "Жәшіктерден тізімдегі сайлаушылардан көп бюллетень табылған. Тізім мен бюллетеньдерді тексеріп, түзетілген хаттама жіберіңіз.",
        ru: "В ящиках найдено больше бюллетеней, чем избирателей в списке. Проверьте список и бюллетени, отправьте исправленный протокол.",
        en: "More ballots were found than there are voters on the list. Check the list and the ballots, and send a corrected protocol.",
    },
);

pub(super) static PART_EXCEEDS_WHOLE: Rule = held(
    RuleCode::PartExceedsWhole,
    "issued outside ≤ issued; issued on absentee certificates ≤ issued; found in portable boxes ≤ found",
    "arithmetic of the protocol; notices of regional commissions, March 2023",
    Certainty::Derived,
    RuleText {
        kk: "Бөлігі бүтінінен үлкен: үй-жайдан тыс, есептен шығару куәлігімен немесе тасымалды жәшік бойынша сан жалпы саннан көп. Түзетілген хаттама жіберіңіз.",
        ru: "Часть больше целого: число вне помещения, по открепительным или в переносном ящике больше общего. Отправьте исправленный протокол.",
        en: "A part is larger than its whole: outside the premises, on absentee certificates or in portable boxes. Send a corrected protocol.",
    },
);

pub(super) static SIGNED_BEFORE_CLOSE: Rule = held(
    RuleCode::SignedBeforeClose,
    "signed at or after the closing of the station, unless its whole register has voted",
    "art. 43: the count starts at 20:00 local time; earlier when all have voted: practice, assumed",
    Certainty::Older,
    RuleText {
        kk: "Хаттамаға учаске жабылғанға дейін қол қойылған. Сағатты тексеріңіз; хаттамаға жабылғаннан кейін қайта қол қойыңыз немесе жоғары тұрған комиссиядан растау сұраңыз.",
        ru: "Протокол подписан до закрытия участка. Проверьте часы; подпишите снова после закрытия или попросите вышестоящую комиссию подтвердить.",
        en: "The protocol was signed before the station closed. Check the clock; sign again after closing, or ask the superior commission to confirm.",
    },
);

pub(super) static KEY_REVOKED: Rule = held(
    RuleCode::KeyRevoked,
    "the key was not revoked, or its revocation names the submission as still valid",
    "design, D10",
    Certainty::Derived,
    RuleText {
        kk: "Құжатқа кері қайтарылған кілтпен қол қойылған. Жаңа кілтпен қайта қол қойыңыз немесе жоғары тұрған комиссиядан растау сұраңыз.",
        ru: "Документ подписан отозванным ключом. Подпишите снова новым ключом или попросите вышестоящую комиссию подтвердить.",
        en: "The document was signed with a revoked key. Sign again with the new key, or ask the superior commission to confirm.",
    },
);

pub(super) static TURNOUT_EXCEEDS_REGISTER: Rule = held(
    RuleCode::TurnoutExceedsRegister,
    "voters who received a ballot ≤ the register at that instant",
    "art. 41: a ballot is issued against a signature in the list",
    Certainty::Older,
    RuleText {
        kk: "Бюллетень алғандар саны тізімдегі сайлаушылардан көп. Екі санды да тексеріп, түзетілген хабарлама жіберіңіз.",
        ru: "Получивших бюллетень больше, чем избирателей в списке. Проверьте оба числа и отправьте исправленное сообщение.",
        en: "More voters received a ballot than are on the register. Check both numbers and send a corrected report.",
    },
);

pub(super) static AMENDMENT_GAP: Rule = held(
    RuleCode::AmendmentGap,
    "every amendment of a lower number is there",
    "design, D10",
    Certainty::Derived,
    RuleText {
        kk: "Алдыңғы нөмірлі өзгеріс әлі келген жоқ, сондықтан бұл өзгеріс күшіне енген жоқ. Жетпейтін өзгерісті жіберіңіз.",
        ru: "Изменение с предыдущим номером ещё не поступило, поэтому это не действует. Отправьте недостающее изменение.",
        en: "The amendment before this one has not arrived, so this one is not in force. Send the missing amendment.",
    },
);
