/// Names of categories as the method's prompts spell them, and their plurals.
struct BenchmarkNames {
    let name, plural, singular: String

    /// "name/plural", and the singular where the name is a plural itself.
    static let all: [BenchmarkNames] = [voc, context, coco, demo].flatMap { table in
        table.split { $0 == "," || $0.isNewline }.map { entry in
            let forms = entry.drop { $0 == " " }.split(separator: "/").map(String.init)
            let plural = forms.count > 1 ? forms[1] : forms[0] + "s"
            return BenchmarkNames(name: forms[0], plural: plural, singular: forms.count > 2 ? forms[2] : forms[0])
        }
    }

    private static let voc = """
        plane, bicycle, bird, boat, bottle, buses/buses/bus, car, cat, chair, cow, table, dog, horse, motorbike
        people/people/person, plant, sheep/sheep, sofa, train, monitor
        """
    private static let context = """
        airplane, bag, bed, bedclothes/bedclothes, bench/benches, bicycle, bird, boat, book, bottle, building, bus/buses
        cabinet, car, cat, ceiling, chair, cloth, computer, cow, cup, curtain, dog, door, fence, floor, flower, food
        grass/grasses, ground, horse, keyboard, light, motorbike, mountain, mouse/mice, person/people, plate, platform
        plant, road, rock, sheep/sheep, shelves/shelves/shelf, sidewalk, sign, sky/skies, snow, sofa, table, track
        train, tree, truck, monitor, wall, water, window, wood/wood
        """
    private static let coco = """
        person/people, bicycle, car, motorbike, aeroplane, bus/buses, train, truck, boat, traffic light, fire hydrant
        stop sign, parking meter, bench/benches, bird, cat, dog, horse, sheep/sheep, cow, elephant, bear, zebra, giraffe
        backpack, umbrella, handbag, tie, suitcase, frisbee, skis/skis/ski, snowboard, sports ball, kite, baseball bat
        baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass/wine glasses, cup, fork, knife/knives
        spoon, bowl, banana, apple, sandwich/sandwiches, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair
        sofa, pottedplant, bed, diningtable, toilet, tvmonitor, laptop, mouse/mice, remote, keyboard, cell phone
        microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors/scissors, teddy bear, hair drier
        toothbrush/toothbrushes, potted plant, dining table
        """
    private static let demo = """
        airplane, bicycle, bird, boat, bottle, bus/buses, car, cat, chair, cow, dog, horse, motorbike, person/people
        plant, sheep/sheep, sofa, train, monitor, elephant, giraffe, zebra, apple, banana, orange, pizza, donut, cake
        broccoli, umbrella, backpack, teddy bear, clock, bed, book, traffic light, cup, truck, tree, house, sunflower
        mushroom, rocket, guitar, drum, lion, monkey, rabbit, pig, duck, penguin, fish/fish, shark, octopus/octopuses
        turtle, butterfly/butterflies, strawberry/strawberries, pineapple, hot dog, ice cream, castle, balloon, crown
        soccer ball
        """
}
