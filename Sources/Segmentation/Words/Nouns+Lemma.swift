import Texts

extension Nouns {
    /// A noun in the singular, lower-case, its words parted by one space: "Dogs" is "dog", of several words the last
    /// one is looked at, "fire hydrants" is "fire hydrant". What has no singular, as "scissors", is its own.
    package static func lemma(of noun: String) -> String {
        let words = noun.lowercased().unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map {
            ExactString(String($0))
        }
        guard let head = words.last else { return "" }
        let before = words.dropLast().last
        let isVessel = before.map { head == "glasses" && Lemmas.drinks.contains($0) } ?? false
        let singular = isVessel ? "glass" : lemma(of: head)
        return (words.dropLast() + [singular]).map(\.text).joined(separator: " ")
    }

    /// Of one word, lower-case; of a word with hyphens what follows the last one is looked at.
    static func lemma(of word: ExactString) -> ExactString {
        let text = word.text
        let start = text.utf8.lastIndex(of: UInt8(ascii: "-")).map(text.utf8.index(after:)) ?? text.startIndex
        var last = ExactString(String(text[start...]))
        guard last.text.utf8.count <= Lemmas.longest else { return word }
        // Once more, for plurals with a plural's ending: "mens" is "men" is "man".
        while case let next = Lemmas.singular(of: last), next != last { last = next }
        return ExactString(text[..<start] + last.text)
    }
}

/// Plurals and their singulars.
private enum Lemmas {
    /// In bytes: nothing longer is an English noun.
    static let longest = 40

    static func singular(of word: ExactString) -> ExactString {
        if let known = irregular[word] { return known }
        if unchanging.contains(word) { return word }
        let text = word.text
        if text.ends(with: "men"), !endingInMen.contains(word) { return text.replacing("men", with: "man") }
        if let ending = irregularEndings.first(where: { text.ends(with: $0.plural) }) {
            return text.replacing(ending.plural, with: ending.singular)
        }
        guard let rule = rules.first(where: { text.ends(with: $0.plural) }),
            text.utf8.count > rule.plural.utf8.count + 1
        else { return word }
        return text.replacing(rule.plural, with: rule.singular)
    }

    /// The first that fits is taken. What they get wrong stands in the tables.
    private static let rules: [(plural: String, singular: String)] = [
        ("ss", "ss"), ("us", "us"), ("is", "is"),
        ("ies", "y"), ("oes", "o"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("sses", "ss"), ("zzes", "zz"),
        ("tzes", "tz"), ("s", ""),
    ]

    /// Of words made from other words as well: "bookshelves", "grandchildren".
    private static let irregularEndings: [(plural: String, singular: String)] = [
        ("children", "child"), ("people", "person"), ("shelves", "shelf"), ("wolves", "wolf"), ("knives", "knife"),
        ("wives", "wife"), ("thieves", "thief"), ("scarves", "scarf"), ("geese", "goose"), ("teeth", "tooth"),
        ("buses", "bus"), ("glasses", "glass"),
    ]
}

extension String {
    /// By bytes.
    func ends(with ending: String) -> Bool {
        utf8.count >= ending.utf8.count && utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
    }

    /// An ending, of ASCII, that stands there, with another in its stead.
    fileprivate func replacing(_ ending: String, with other: String) -> ExactString {
        ExactString(self[..<utf8.index(endIndex, offsetBy: -ending.utf8.count)] + other)
    }
}

extension Lemmas {
    /// What glasses are for that are no eyewear.
    static let drinks = WordTable.set(
        """
        beer champagne cocktail drinking drink hour juice looking magnifying martini measuring milk pint shot water wine
        """)

    private static let irregular = WordTable.pairs(
        """
        feet=foot oxen=ox mice=mouse dormice=dormouse persons=person lice=louse leaves=leaf loaves=loaf halves=half
        calves=calf elves=elf hooves=hoof dwarves=dwarf sheaves=sheaf lives=life selves=self wharves=wharf
        handkerchieves=handkerchief ties=tie pies=pie lies=lie dies=die neckties=necktie bowties=bowtie magpies=magpie
        cookies=cookie movies=movie brownies=brownie blondies=blondie zombies=zombie selfies=selfie hoodies=hoodie
        smoothies=smoothie genies=genie calories=calorie birdies=birdie doggies=doggie rookies=rookie veggies=veggie
        beanies=beanie pixies=pixie prairies=prairie collies=collie budgies=budgie goalies=goalie newbies=newbie
        groupies=groupie foodies=foodie hippies=hippie yuppies=yuppie cuties=cutie sweeties=sweetie talkies=talkie
        wedgies=wedgie kiddies=kiddie potpies=potpie eyries=eyrie lassies=lassie laddies=laddie junkies=junkie
        barbies=barbie aussies=aussie bikies=bikie scrunchies=scrunchie townies=townie shoes=shoe horseshoes=horseshoe
        snowshoes=snowshoe overshoes=overshoe toes=toe tiptoes=tiptoe mistletoes=mistletoe hoes=hoe canoes=canoe
        oboes=oboe does=doe roes=roe foes=foe woes=woe floes=floe aloes=aloe aches=ache headaches=headache
        toothaches=toothache stomachaches=stomachache backaches=backache caches=cache quiches=quiche niches=niche
        avalanches=avalanche moustaches=moustache mustaches=mustache brioches=brioche porsches=porsche cliches=cliche
        pastiches=pastiche creches=creche apaches=apache psyches=psyche axes=axe pickaxes=pickaxe poleaxes=poleaxe
        quizzes=quiz fezzes=fez whizzes=whiz posses=posse gases=gas atlases=atlas canvases=canvas
        christmases=christmas biases=bias pancreases=pancreas lenses=lens irises=iris trellises=trellis ibises=ibis
        pelvises=pelvis clematises=clematis rhinoceroses=rhinoceros thermoses=thermos cactuses=cactus
        octopuses=octopus walruses=walrus platypuses=platypus viruses=virus hippopotamuses=hippopotamus
        campuses=campus circuses=circus crocuses=crocus hibiscuses=hibiscus lotuses=lotus choruses=chorus
        statuses=status bonuses=bonus sinuses=sinus discuses=discus citruses=citrus funguses=fungus busses=bus
        papyruses=papyrus surpluses=surplus abacuses=abacus cacti=cactus octopi=octopus hippopotami=hippopotamus
        fungi=fungus alumni=alumnus stimuli=stimulus foci=focus nuclei=nucleus papyri=papyrus vertices=vertex
        vortices=vortex matrices=matrix appendices=appendix oases=oasis crises=crisis analyses=analysis
        chateaux=chateau gateaux=gateau plateaux=plateau bureaux=bureau tableaux=tableau larvae=larva
        vertebrae=vertebra algae=alga antennae=antenna skis=ski taxis=taxi bikinis=bikini kiwis=kiwi
        zucchinis=zucchini broccolis=broccoli safaris=safari saris=sari martinis=martini paninis=panini minis=mini
        alibis=alibi rabbis=rabbi salamis=salami jacuzzis=jacuzzi spaghettis=spaghetti tsunamis=tsunami
        origamis=origami sushis=sushi khakis=khakis maxis=maxi deltis=delti waterskis=waterski jetskis=jetski
        ravioli=ravioli houris=houri wasabis=wasabi pierogis=pierogi yetis=yeti menus=menu emus=emu gnus=gnu
        tofus=tofu gurus=guru zebus=zebu haikus=haiku caribous=caribou bayous=bayou thous=thou tutus=tutu
        parvenus=parvenu
        """)

    /// Singulars that look as plurals do, and what has one form alone.
    private static let unchanging = WordTable.set(
        """
        scissors shears tongs pliers tweezers binoculars glasses eyeglasses sunglasses goggles spectacles headphones
        earphones jeans pants shorts trousers sweatpants underpants tights leggings overalls dungarees pajamas pyjamas
        panties undies briefs boxers clothes bedclothes suspenders braces khakis fatigues scrubs stairs upstairs
        downstairs bleachers woods rapids groceries goods fireworks belongings surroundings outskirts remains ruins
        dreadlocks sports news mathematics physics gymnastics athletics graphics electronics ceramics acrobatics
        aerobics economics series species headquarters barracks crossroads gallows molasses oats dominoes darts cards
        aids gas atlas canvas christmas texas kansas arkansas vegas las alas bias pancreas pampas dallas thomas
        douglas nicholas lucas adidas lens james mercedes hercules los hermes yes gps abs rabies chaos cosmos ethos
        asbestos thermos rhinoceros calvados lacoste sheep deer fish goldfish catfish moose elk salmon trout tuna
        shrimp squid aircraft spacecraft hovercraft watercraft swiss chassis chess bass wales athens paris
        """)

    /// No plurals.
    private static let endingInMen = WordTable.set(
        "specimen omen semen ramen abdomen yemen stamen regimen acumen hymen cyclamen amen carmen lumen bitumen")
}
