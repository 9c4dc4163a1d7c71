import Segmentation
import Support
import Testing

@Suite struct `a cleaned caption` {
    @Test(arguments: [
        ("arafed dog sitting on a couch", "dog sitting on a couch"),
        ("an arafed view of a city", "a view of a city"),
        ("there is an araffe standing in a field", "there is standing in a field"),
        ("a arafed elephant", "an elephant"),
        ("an arafed building", "a building"),
        ("an arafed and a dog", "and a dog"),
        ("An arafed man, a dog", "A man, a dog"),
        ("a arafed hour glass and an arafed unicorn", "an hour glass and a unicorn"),
        ("two araffes standing in a field", "two standing in a field"),
        ("a dog on an arafed", "a dog on"),
        ("arafly, arafated araflane", ""),
        ("arafed, dog", "dog"),
        ("arafed", ""),
        ("yasser arafat by the arafura sea", "yasser arafat by the arafura sea"),
    ])
    func `has no arafed, and articles that fit`(caption: String, cleaned: String) {
        #expect(CaptionText.cleaned(caption) == cleaned)
    }

    @Test(arguments: [
        ("a dog dog dog dog", "a dog"),
        ("a hot dog hot dog hot dog on a plate", "a hot dog on a plate"),
        ("a cat on a bed on a bed on a bed", "a cat on a bed"),
        ("a man with a hat with a hat.", "a man with a hat."),
        ("a dog, a cat, a cat, a cat", "a dog, a cat"),
        ("Dog dog", "Dog"),
        ("a view a arafed view", "a view"),
        ("a tuk tuk tuk tuk on a road", "a tuk tuk on a road"),
        ("one two three four five one two three four five", "one two three four five one two three four five"),
        ("wait ... for it", "wait ... for it"),
    ])
    func `says no group of up to four words twice in a row`(caption: String, cleaned: String) {
        #expect(CaptionText.cleaned(caption) == cleaned)
    }

    @Test func `is the caption where that has no faults, to the byte`() throws {
        let said = "a photograph of a monkey, a truck, a truck and a cow on the sand"
        let captions = try DemoCaption.all().map(\.text) + HandReadCaption.all().map(\.text)
        #expect(captions.contains(said))
        let clean =
            captions.filter { $0 != said && !$0.contains("araf") }
            + ["", " ", "\n a\u{301} dog\t,  and\u{a0}a cat ", "e\u{301} é", "日本語", "t - shirt", "\u{301}"]
        for caption in clean {
            #expect(Array(CaptionText.cleaned(caption).utf8) == Array(caption.utf8), "\(caption)")
        }
    }

    @Test func `is clean, whatever it was made from`() {
        var generator = SeededGenerator(seed: 15)
        let words = ["a", "an", "arafed", "dog", "hour", "unicorn", ",", "'", "araffes", "tuk", "A", "é", "the"]
        for _ in 0..<3_000 {
            let length = Int.random(in: 0...12, using: &generator)
            let caption = (0..<length).map { _ in words.randomElement(using: &generator) ?? "" }.joined(separator: " ")
            let cleaned = CaptionText.cleaned(caption)
            #expect(CaptionText.cleaned(cleaned) == cleaned, "\(caption)")
            #expect(!cleaned.contains("araf"))
        }
    }
}
