"""Names of nobody: first and last names as varied as real ones, for samples and the demo.

Made up for this project. Common ones stand in for most people; rare ones are what breaks careless programs.
"""

_COMMON_FIRST = """
Ada Aaliyah Adam Aisha Alejandro Amara Amir Ana Andrew Angela Anika Anthony Arjun Benjamin Bianca Brandon
Brianna Caleb Camila Carlos Carmen Charlotte Chloe Christopher Daniel Darius David Deepa Diego Diana Elena
Elijah Emily Emma Ethan Eva Fatima Felix Gabriel Grace Hannah Hassan Henry Ian Imani Isabella Isaiah Ivan
Jack Jacob Jada James Jasmine Javier Jessica John Jonah Jordan Jose Joshua Julia Kai Kayla Keisha Kevin
Kiara Laila Laura Leah Leo Liam Lily Linh Lucas Lucy Madison Malik Marcus Maria Mateo Maya Mei Mia Michael
Mohammed Monica Nadia Naomi Nathan Neha Nia Nicole Noah Nora Olivia Omar Oscar Owen Patrick Paul Priya
Quinn Rachel Rahul Rebecca Ricardo Rosa Ruth Ryan Samira Samuel Sarah Sean Simone Sofia Sophie Stella
Tariq Terrence Theo Thomas Tiffany Tyler Uma Valeria Victor Victoria William Xavier Yasmin Yusuf Zachary
Zara Zoe
"""
FIRST_NAMES = tuple(_COMMON_FIRST.split())

_COMMON_LAST = """
Adams Ahmed Allen Alvarez Anderson Bailey Baker Barnes Begum Bell Bennett Brooks Brown Bryant Butler
Campbell Carter Castillo Chavez Chen Chowdhury Clark Coleman Collins Cook Cooper Cruz Davis Diaz Edwards
Evans Fisher Flores Foster Garcia Gibson Gomez Gonzalez Graham Gray Green Griffin Gupta Hall Hamilton
Harris Hassan Hayes Henderson Hernandez Hill Howard Hughes Hussain Jackson James Jenkins Johnson Jones
Jordan Kelly Khan Kim King Kumar Lee Lewis Lin Liu Long Lopez Marshall Martin Martinez Mendoza Miller
Mitchell Moore Morales Morgan Morris Murphy Murray Myers Nelson Nguyen Okafor Okoye Ortiz Owens Park
Parker Patel Perez Perry Peterson Phillips Pham Powell Price Ramirez Reed Reyes Reynolds Richardson Rivera
Roberts Robinson Rodriguez Rogers Ross Russell Sanchez Sanders Scott Sharma Silva Simmons Singh Smith
Stewart Sullivan Taylor Thomas Thompson Torres Tran Turner Vargas Walker Wallace Wang Ward Washington
Watson West White Williams Wilson Wood Wright Yang Young Zhang
"""
LAST_NAMES = tuple(_COMMON_LAST.split())

# First and last name; an empty one is a person who has a single name.
RARE_NAMES = (
    ("Zoë", "Brontë"),
    ("José", "Muñoz"),
    ("François", "Lefèvre"),
    ("Jürgen", "Groß"),
    ("Søren", "Kjærgaard"),
    ("Łukasz", "Wiśniewski"),
    ("Žofia", "Dvořáková"),
    ("Ñusta", "Quispe"),
    ("İpek", "Çağlayan"),
    ("Nguyễn", "Phương Thảo"),
    ("Seán", "O'Brien"),
    ("Niamh", "O’Sullivan"),
    ("Chiara", "D’Angelo"),
    ("D'Shawn", "N'Diaye"),
    ("Keahi", "Kahananuiokeolaokalani"),
    ("Anne-Marie", "Dubois-Laurent"),
    ("Jean-Luc", "de la Tour d’Auvergne"),
    ("Mary Kate", "van der Berg"),
    ("Maria del Carmen", "García-López y Fernández de Córdoba"),
    ("Hubert Blaine", "Wolfeschlegelsteinhausenbergerdorff"),
    ("Robert", "King, Jr."),
    ("William", "Hayes, III"),
    ("Patrick", "St. John"),
    ("Katherine “Kit”", "Abernathy"),
    ('Robert "Bobby"', "Lowell"),
    ("", "Suharto"),
    ("", "Jayalakshmi"),
    ("", "Teller"),
    ("Li", "O"),
    ("A", "Xu"),
    ("明", "王"),
    ("さくら", "佐藤"),
    ("민준", "김"),
    ("محمد", "الأحمد"),
    ("נועה", "כהן"),
    ("Αλέξανδρος", "Παπαδόπουλος"),
    ("Анастасия", "Кузнецова"),
    ("आरव", "शर्मा"),
    ("สมชาย", "ใจดี"),
    ("Test", "Null"),
)
