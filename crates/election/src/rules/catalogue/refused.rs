//! Rules 1–99: what is impossible and therefore refused.

use super::{Rule, RuleText};
use crate::{
    form::Certainty,
    rules::{RuleCode, Severity},
};

const fn refused(
    code: RuleCode,
    checks: &'static str,
    source: &'static str,
    certainty: Certainty,
    text: RuleText,
) -> Rule {
    Rule { code, default_severity: Severity::Refuse, checks, source, certainty, text }
}

pub(super) static MALFORMED: Rule = refused(
    RuleCode::Malformed,
    "the record is a submission, and every field has the right form",
    "design, D6",
    Certainty::Derived,
    RuleText {
        kk: "Құжат оқылмайды: ол бүлінген немесе өрісі дұрыс толтырылмаған. Аталған өрісті түзетіп, құжатқа қайта қол қойып жіберіңіз.",
        ru: "Документ не читается: он повреждён или поле заполнено не по форме. Исправьте названное поле, подпишите и отправьте снова.",
        en: "The document cannot be read: it is damaged, or a field has the wrong form. Correct the field named, sign and send again.",
    },
);

pub(super) static UNSUPPORTED: Rule = refused(
    RuleCode::Unsupported,
    "format, kind and every field are known to the fold in force, and the encoding is canonical",
    "design, D6",
    Certainty::Derived,
    RuleText {
        kk: "Құжат жүйеге белгісіз пішімде жіберілген. Бағдарламаны жаңартып, құжатты қайта жіберіңіз; көмек керек болса, операторға хабарласыңыз.",
        ru: "Документ отправлен в неизвестном системе формате. Обновите программу и отправьте снова; если не помогло, обратитесь к оператору.",
        en: "The document has a format that the system does not know. Update the program and send again; if that does not help, call the operator.",
    },
);

pub(super) static FOREIGN_ELECTION: Rule = refused(
    RuleCode::ForeignElection,
    "the submission is signed for this election",
    "design, D6",
    Certainty::Derived,
    RuleText {
        kk: "Құжатқа басқа сайлау үшін қол қойылған. Бағдарламада дұрыс сайлауды таңдап, қайта қол қойып жіберіңіз.",
        ru: "Документ подписан для других выборов. Выберите в программе нужные выборы, подпишите и отправьте снова.",
        en: "The document was signed for another election. Select the right election in the program, sign and send again.",
    },
);

pub(super) static FOREIGN_CORE: Rule = refused(
    RuleCode::ForeignCore,
    "the submission carries the core digest of this definition",
    "design, D6 and D10",
    Certainty::Derived,
    RuleText {
        kk: "Құжатқа сайлау деректерінің басқа нұсқасымен қол қойылған. Осы сайлаудың ресми деректерін жүктеп, қайта қол қойып жіберіңіз.",
        ru: "Документ подписан с другой редакцией данных о выборах. Загрузите официальные данные этих выборов, подпишите и отправьте снова.",
        en: "The document was signed with another edition of the election's data. Load the official data of this election, sign and send again.",
    },
);

pub(super) static UNKNOWN_KEY: Rule = refused(
    RuleCode::UnknownKey,
    "the definition or an amendment in force names the key",
    "design, D6 and D10",
    Certainty::Derived,
    RuleText {
        kk: "Құжатқа жүйеге белгісіз кілтпен қол қойылған. Комиссияңызға берілген кілтті пайдаланыңыз; кілт ауыстырылған болса, операторға хабарласыңыз.",
        ru: "Документ подписан неизвестным ключом. Подпишите ключом, выданным вашей комиссии; если ключ заменён, обратитесь к оператору.",
        en: "The document was signed with an unknown key. Sign with the key given to your commission; if it was replaced, call the operator.",
    },
);

pub(super) static BAD_SIGNATURE: Rule = refused(
    RuleCode::BadSignature,
    "the Ed25519 signature is good for the key and the signed bytes",
    "design, D6",
    Certainty::Derived,
    RuleText {
        kk: "Цифрлық қолтаңба құжатқа сәйкес емес: құжат қол қойылғаннан кейін өзгерген. Қайта қол қойып жіберіңіз.",
        ru: "Цифровая подпись не подходит к документу: он изменился после подписания. Подпишите и отправьте снова.",
        en: "The digital signature does not fit the document: it changed after it was signed. Sign and send again.",
    },
);

pub(super) static NOT_ENTITLED: Rule = refused(
    RuleCode::NotEntitled,
    "the holder of the key may say this: a station for itself, a commission within its scope",
    "design, D6 and D10; art. 94 (who reports to whom)",
    Certainty::Older,
    RuleText {
        kk: "Бұл кілттің иесі мұндай құжатқа қол қоюға құқылы емес. Құжатқа тиісті комиссия өз кілтімен қол қоюы керек.",
        ru: "Владелец этого ключа не вправе подписывать такой документ. Его должна подписать надлежащая комиссия своим ключом.",
        en: "The holder of this key may not sign such a document. The commission in charge must sign it with its own key.",
    },
);

pub(super) static UNKNOWN_STATION: Rule = refused(
    RuleCode::UnknownStation,
    "the definition has the station",
    "the definition's stations.csv",
    Certainty::Derived,
    RuleText {
        kk: "Мұндай сайлау учаскесі жоқ. Учаске нөмірін тексеріп, түзетіп жіберіңіз.",
        ru: "Такого избирательного участка нет. Проверьте номер участка, исправьте и отправьте снова.",
        en: "There is no such polling station. Check the station's number, correct it and send again.",
    },
);

pub(super) static WRONG_SHARD: Rule = refused(
    RuleCode::WrongShard,
    "the record lies in the shard of its station, or in control",
    "design, D2",
    Certainty::Derived,
    RuleText {
        kk: "Құжат басқа учаскелердің бөліміне түскен. Комиссия ештеңе істемейді: оператор құжатты өз бөліміне қайта жіберуі керек.",
        ru: "Документ попал в раздел других участков. Комиссии делать ничего не нужно: оператор отправит его в нужный раздел.",
        en: "The document lies in the section of other stations. The commission need do nothing: the operator sends it to its own section.",
    },
);

pub(super) static UNKNOWN_CONTEST: Rule = refused(
    RuleCode::UnknownContest,
    "the definition has the contest, and it is held at the station",
    "the definition's contests",
    Certainty::Derived,
    RuleText {
        kk: "Бұл учаскеде мұндай бюллетень бойынша дауыс берілмейді. Сайлау түрін тексеріп, дұрыс хаттаманы жіберіңіз.",
        ru: "На этом участке по такому бюллетеню не голосуют. Проверьте вид выборов и отправьте нужный протокол.",
        en: "This station has no such ballot. Check which ballot the protocol is for, and send the right one.",
    },
);

pub(super) static UNKNOWN_SLOT: Rule = refused(
    RuleCode::UnknownSlot,
    "the definition has the turnout slot",
    "the definition's turnout slots",
    Certainty::Derived,
    RuleText {
        kk: "Сайлаушылардың келуі бұл уақытқа есептелмейді. Белгіленген уақыттардың бірін таңдап, хабарламаны қайта жіберіңіз.",
        ru: "На это время явка не сообщается. Выберите одно из установленных времён и отправьте сообщение снова.",
        en: "Turnout is not reported for this hour. Choose one of the set hours and send the report again.",
    },
);

pub(super) static OPTIONS_MISMATCH: Rule = refused(
    RuleCode::OptionsMismatch,
    "the votes name exactly the contest's options, each once, in ascending order of ids",
    "the definition's lists.csv and candidates.csv",
    Certainty::Derived,
    RuleText {
        kk: "Партиялар немесе кандидаттар тізімі бюллетеньге сәйкес емес: біреуі жоқ, артық немесе екі рет жазылған. Бюллетеньмен салыстырып, түзетіп жіберіңіз.",
        ru: "Перечень партий или кандидатов не совпадает с бюллетенем: кто-то пропущен, лишний или записан дважды. Сверьте с бюллетенем, исправьте и отправьте снова.",
        en: "The parties or candidates are not those of the ballot: one is missing, foreign or written twice. Compare with the ballot, correct and send again.",
    },
);

pub(super) static AGAINST_ALL_MISMATCH: Rule = refused(
    RuleCode::AgainstAllMismatch,
    "\"against all\" is written if and only if the ballot has it",
    "the definition's contests; notices of regional commissions, March 2023",
    Certainty::Found,
    RuleText {
        kk: "«Бәріне қарсы» жолы бюллетеньде бар болса, толтырылуы керек, ал жоқ болса, жазылмауы керек. Түзетіп, қайта жіберіңіз.",
        ru: "Строка «Против всех» должна быть заполнена, если она есть в бюллетене, и отсутствовать, если её нет. Исправьте и отправьте снова.",
        en: "\"Against all\" must be filled in where the ballot has it and left out where it has not. Correct and send again.",
    },
);

pub(super) static LINE_NOT_ON_FORM: Rule = refused(
    RuleCode::LineNotOnForm,
    "every written line is a line of the form",
    "the definition's forms",
    Certainty::Derived,
    RuleText {
        kk: "Хаттама нысанында жоқ жол толтырылған. Аталған жолды алып тастап, қайта жіберіңіз.",
        ru: "Заполнена строка, которой нет в форме протокола. Уберите названную строку и отправьте снова.",
        en: "A line was filled in that the form of the protocol does not have. Remove the line named and send again.",
    },
);

pub(super) static REQUIRED_LINE_MISSING: Rule = refused(
    RuleCode::RequiredLineMissing,
    "every line that the form requires is written; absent is not zero",
    "the definition's forms",
    Certainty::Derived,
    RuleText {
        kk: "Міндетті жол толтырылмаған. Оны толтырыңыз; саны болмаса, 0 деп жазыңыз, содан кейін қайта жіберіңіз.",
        ru: "Не заполнена обязательная строка. Заполните её (если таких нет, запишите 0) и отправьте снова.",
        en: "A required line is empty. Fill it in (write 0 if there are none) and send again.",
    },
);

pub(super) static COUNT_OUT_OF_RANGE: Rule = refused(
    RuleCode::CountOutOfRange,
    "no count is above 9,999,999; in a commission's protocol, above that for each station covered",
    "design, D9; a published 8,108,668,485 for 8,108,668",
    Certainty::Found,
    RuleText {
        kk: "Сан тым үлкен: мұндай сан болуы мүмкін емес. Артық цифр жазылмағанын тексеріп, түзетіп жіберіңіз.",
        ru: "Число слишком велико: такого быть не может. Проверьте, нет ли лишней цифры, исправьте и отправьте снова.",
        en: "The number is too large to be true. Look for a digit too many, correct and send again.",
    },
);

pub(super) static REVISION_OUT_OF_RANGE: Rule = refused(
    RuleCode::RevisionOutOfRange,
    "the revision is 1 to 99",
    "design, D3",
    Certainty::Derived,
    RuleText {
        kk: "Редакция нөмірі 1 мен 99 аралығында болуы керек: алғашқы хаттама 1, әр түзету бірге артады. Түзетіп, қайта жіберіңіз.",
        ru: "Номер редакции должен быть от 1 до 99: первый протокол 1, каждое исправление на единицу больше. Исправьте и отправьте снова.",
        en: "The revision must be 1 to 99: the first protocol is 1, each correction is one more. Correct and send again.",
    },
);

pub(super) static TOO_LONG: Rule = refused(
    RuleCode::TooLong,
    "no text or list is longer than its limit",
    "design, P11",
    Certainty::Derived,
    RuleText {
        kk: "Мәтін немесе тізім тым ұзын. Аталған өрісті қысқартып, қайта жіберіңіз.",
        ru: "Текст или список слишком длинный. Сократите названное поле и отправьте снова.",
        en: "A text or list is too long. Shorten the field named and send again.",
    },
);

pub(super) static REASON_MISSING: Rule = refused(
    RuleCode::ReasonMissing,
    "a decision or amendment gives a reason in words",
    "design, D10",
    Certainty::Derived,
    RuleText {
        kk: "Шешімнің немесе өзгерістің негіздемесі жазылмаған. Негіздемесін жазып, қайта қол қойып жіберіңіз.",
        ru: "У решения или изменения не указано основание. Запишите его, подпишите и отправьте снова.",
        en: "The decision or amendment gives no reason. Write the reason, sign and send again.",
    },
);

pub(super) static RULING_IMPOSSIBLE: Rule = refused(
    RuleCode::RulingImpossible,
    "a ruling or change does not contradict itself and names only what exists",
    "design, D10",
    Certainty::Derived,
    RuleText {
        kk: "Шешім немесе өзгеріс өзіне өзі қайшы немесе жоқ нәрсені атайды. Аталған өрісті түзетіп, қайта қол қойып жіберіңіз.",
        ru: "Решение или изменение противоречит себе или называет то, чего нет. Исправьте названное поле, подпишите и отправьте снова.",
        en: "The decision or amendment contradicts itself or names what does not exist. Correct the field named, sign and send again.",
    },
);
