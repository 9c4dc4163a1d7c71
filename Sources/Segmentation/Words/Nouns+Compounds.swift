import Texts

/// Words that stand together.
struct Compound {
    let words: [ExactString]
    /// What it is as well.
    let kinds: [String]

    var name: String { words.map(\.text).joined(separator: " ") }

    private init(_ name: String, kinds: [String]) {
        words = name.split(separator: " ").map { ExactString(String($0)) }
        self.kinds = kinds
    }
}

extension Compound {
    /// By their first words, the longest first.
    static let all: [ExactString: [Compound]] = byFirstWord(
        names(otherThings).map { Compound($0, kinds: []) }
            + names(ownKind).map { Compound($0, kinds: $0.split(separator: " ").suffix(1).map(String.init)) }
            + otherKinds.split(whereSeparator: \.isNewline).flatMap { line in
                let sides = line.split(separator: ":").map(String.init)
                return names(sides.last ?? "").map { Compound($0, kinds: names(sides.first ?? "")) }
            })

    /// Groups of words that name nothing.
    static let phrases: [ExactString: [Compound]] = byFirstWord(names(nothings).map { Compound($0, kinds: []) })

    /// Names between commas and ends of lines.
    private static func names(_ table: String) -> [String] {
        table.split(whereSeparator: { $0 == "," || $0.isNewline }).map { String($0.drop { $0 == " " }) }
    }

    private static func byFirstWord(_ compounds: [Compound]) -> [ExactString: [Compound]] {
        let sorted = compounds.sorted { $0.words.count > $1.words.count }
        return Dictionary(grouping: sorted) { $0.words.first ?? "" }
    }

    private static let nothings = """
        in line, o ' clock, hand in hand, arm in arm, side by side, face to face, back to back, for sale, on display
        at bat, close up, up close, water skiing, jet skiing, wind surfing, kite surfing, kite boarding, body boarding
        snow boarding, skate boarding, para sailing, wake boarding, getting ready, upside down, time lapse
        high quality, low angle, high angle, bird ' s eye, long exposure, in hand, in bloom, king size
        queen size, full size, life size
        """

    /// Their last word names another thing.
    private static let otherThings = """
        hot dog, corn dog, prairie dog, teddy bear, gummy bear, koala bear, guinea pig, sea lion, sea horse
        sea urchin, star fish, jelly fish, cray fish, cuttle fish, horse fly, dragon fly, fire fly, horse shoe
        tuk tuk, knick knack, pom pom, yo yo, choo choo, peanut butter, apple butter, cotton candy, ice cream
        egg plant, cat nip
        pan cake, cup cake, rice cake, meat ball, cotton ball, eye ball, disco ball, hair ball, crystal ball, snow man
        gingerbread man, egg roll, spring roll, piggy bank, food bank, light house, bird house, dog house, doll house
        green house, ware house, gravy boat, arrow head, shower head, sprinkler head, clock face, cliff face
        card board, dash board, bill board, head board, side board, black board, white board, chalk board, fire place
        onion ring, boxing ring, napkin ring, stained glass, rail road, pig tail, pony tail, cock tail, cat tail
        time table, satellite dish, radar dish, table tennis, ping pong, rocking horse, hobby horse, mickey mouse
        minnie mouse, donald duck, ninja turtle, new york, san francisco, las vegas, hot pot, hot rod, stuffed animal
        french fry, bread fruit, turn table, rail tie, zip tie, cable tie, contact lens, car park, hot water bottle
        merry go round, see saw, jack in the box, cable car, street car, tram car, trolley car, box car, bumper car
        side car, power plant, treatment plant, human being, ice cube, chess piece, jigsaw piece, center piece
        pocket book, trade show, tv show, video game, board game, roller coaster, hard drive, flash drive, hair cut
        art work, milk shake, french press, cross walk, board walk, cat walk, wind mill, pull over, water fall
        amusement ride, over pass, under pass, round about, rock star, movie star, star fruit, space bar, candy bar
        granola bar
        """

    /// They are what their last word says. Without the table their first word would be taken for how the thing looks,
    /// for what it does or where it is.
    private static let ownKind = """
        plastic bag, filing cabinet, swim cap, swim suit, slow cooker, shot glass, bus stop, flower pot, light bulb
        potted plant, fire hydrant, stop sign, parking meter, traffic light, wine glass, hot tub, hot plate, hot sauce
        hot chocolate, hot air balloon, hard hat, top hat, high chair, high heel, high school, high way, sweet potato
        green bean, green onion, green pepper, red pepper, black pepper, red onion, red wine, white wine, blue cheese
        french toast, french bread, french door, german shepherd, golden retriever, great dane, bald eagle, blue jay
        polar bear, black bear, brown bear, grizzly bear, wild boar, red panda, orange tree, orange slice
        orange juice, orange peel, end table, side table, side dish, side mirror, side view mirror, rear view mirror
        back yard, back seat, front seat, back drop, back splash, tank top, crop top, halter top, dining table
        dining room, dining hall, dining chair, dining set, living room, waiting room, sitting room
        dressing room, dressing table, changing table
        changing room, rocking chair, swimming pool, swimming suit, swimming trunks, bathing suit, bathing cap
        wet suit, shopping bag, shopping cart, shopping center, shopping mall, cutting board, chopping board
        baking sheet, baking pan, baking dish, baking tray, frying pan, cooking pot, cooking pan, cooking oil
        mixing bowl, serving dish, serving tray, serving bowl, serving spoon, serving platter, measuring cup
        measuring tape, rolling pin, bowling alley, bowling ball, bowling pin, ironing board, diving board
        skating rink, skating ramp, racing car, racing bike, racing track, racing boat, sailing boat, sailing ship
        fishing boat, fishing pole, fishing rod, fishing net, fishing line, fishing reel, fishing vessel, flying disc
        flying saucer, wrapping paper, writing desk, training wheel, steering wheel, ferris wheel, knitting needle
        sewing machine, washing machine, vending machine, drinking fountain, drinking glass, magnifying glass
        looking glass, reading glasses, reading lamp, sleeping bag, punching bag, shaving cream, whipped cream
        playing card, playing field, wading pool, walking stick, walking path, walking trail, hiking trail
        hiking boot, riding boot, running shoe, running track, coloring book, parking lot, parking garage
        parking space, parking spot, parking structure, watering can, trash can, garbage can, soda can, beer can
        tin can, paint can, spray can, spray bottle, concession stand, news stand, fruit stand, food stand
        market stand, hot dog stand, night stand, tv stand, cake stand, vegetable stand, umbrella stand, plant stand
        music stand, display stand, lemonade stand, ski lift, chair lift, fork lift, ski jump, ski run, car wash
        mountain pass, place mat, place setting, play ground, play room, play house, play pen, play set, tea set
        train set, chess set, drum set, swing set, knife set, work bench, work station, work shop, work table
        show case, show room, stop light, stop watch, landing gear, landing strip, loading dock, building block
        stepping stone, carrying case, boxing glove, folding chair, folding table, folding door, sliding door
        picnic table, water bottle, water buffalo, call box, draw bridge, flat screen, flat bed, iced tea, iced coffee
        first aid kit, first base, second base, third base, dry erase board, board room, cook book, cook ware
        head light, head phones, wave board, race track, race car, race horse
        train track, train station, bike rack, bike lane, seat belt, seat cushion, stick figure, stick shift
        camp ground, camp fire, camp site, camp chair, farm house, farm land, farm animal, cover letter, shop window
        cook stove, row boat, water ski
        """

    /// Lines of what the names are as well, and the names.
    private static let otherKinds = """
        sidewalk:side walk
        keyboard:key board
        airplane:air plane, jumbo jet
        butterfly:butter fly
        pineapple:pine apple
        train:train car, train engine, train carriage, passenger train car, locomotive train
        bus:double decker
        laptop, computer:laptop computer
        refrigerator, freezer:refrigerator freezer
        microwave, oven:microwave oven
        surfboard, board:surf board
        skateboard, board:skate board
        snowboard, board:snow board
        sailboat, boat:sail boat
        bookshelf, shelf:book shelf
        television:television set, television screen, tv set, tv screen
        television, monitor:tv monitor
        cell phone:smart phone, mobile phone
        remote:remote control, tv remote, wii remote
        cat:kitty cat, tabby cat
        building:high rise
        chest:chest of drawers
        teddy bear:stuffed bear
        stuffed animal:stuffed toy, stuffed dog, stuffed rabbit, stuffed bunny
        """
}
