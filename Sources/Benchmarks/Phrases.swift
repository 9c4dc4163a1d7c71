/// An endless sequence of different phrases to look for: things, with adjectives and places as the numbers grow.
enum Phrases {
    private static let things = [
        "boat", "sheep", "dog", "cat", "house", "tree", "car", "train", "bird", "horse", "cow", "river", "street",
        "chair", "table", "bottle", "window", "flower", "mountain", "bridge", "bicycle", "umbrella", "apple", "book",
        "clock", "lamp", "shoe", "fish", "rabbit", "cloud", "road", "fence", "guitar", "ladder", "kite", "barrel",
        "tent", "lantern", "basket", "wheel",
    ]
    private static let looks = [
        "", "red", "blue", "green", "yellow", "white", "black", "brown", "grey", "old", "new", "small", "large",
        "round", "wooden", "broken", "bright", "dark", "empty", "painted", "wet", "dry", "tall", "narrow", "distant",
        "golden", "striped", "dusty", "shiny", "rusty", "open",
    ]
    private static let places = [
        "", "on grass", "in water", "by a wall", "at night", "in snow", "under a tree", "near a door", "in sunlight",
        "on sand",
    ]

    /// The phrase of a number, from 0: plain words first.
    static func phrase(_ number: Int) -> String {
        let (look, thing) = number.quotientAndRemainder(dividingBy: things.count)
        let (place, ownLook) = look.quotientAndRemainder(dividingBy: looks.count)
        let (turn, ownPlace) = place.quotientAndRemainder(dividingBy: places.count)
        let words = [looks[ownLook], things[thing], places[ownPlace], turn == 0 ? "" : "\(turn + 1)"]
        return words.filter { !$0.isEmpty }.joined(separator: " ")
    }
}
