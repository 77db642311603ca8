"""Names and sizes of the 140 training objects of the published DextrAH task.

Source: ids and point clouds of the Visual Dexterity collection as published with the task; sizes measured.
"""

_TABLE = """
104738 123 60 84                  109zjaf9 122 121 60               110699 117 98 108
116867 77 75 117                  116873 82 84 114                  14tegvzr 64 144 78
14yy2ntz 85 112 127               15cfi6q3 105 107 115              15igat3a 94 134 122
15vf293h 54 135 77                167bezrq 134 101 88               1990n9f3 109 138 118
1b0kr9wf 109 77 115               1ewirxhn 115 76 133               1eyinyb5 55 131 75
1g0et6ly 82 116 119               1ibe2g85 70 130 93                1jfe0ivj 124 51 62
1m0lvpzs 62 136 87                1nbuaiv2 159 162 75               1r15trv7 59 114 58
1sd7wetx 80 116 110               1tj7jndn 64 135 65                1ty6ds00 88 97 93
1uujmwjg 125 66 88                1wdf56lx 123 121 87               1zfj1p7h 46 122 57
203289 55 77 103                  206038 97 109 105                 208741 119 116 110
222ski37 78 121 65                22m5hug5 48 139 73                2626okj4 75 128 112
270o9y3w 124 82 142               27gwxc0c 84 120 123               282141 88 80 99
285603 58 66 116                  285606 80 77 127                  287iao38 64 138 81
288447 95 81 116                  289li1wu 101 126 103              28mwabnr 49 124 71
2c9t1nqg 81 129 80                2cizm7l0 86 95 121                2dvafvp8 61 135 56
2e5nsrxv 114 124 74               2h0dnrqc 120 115 128              2heuqu29 93 127 78
2j58s31j 73 130 115               2kp2e9k7 45 132 96                2lw48chs 52 126 73
2m8qcihk 79 129 94                2mr8zfyr 101 154 124              2oiqpnts 114 91 88
2qdjfk43 91 64 95                 2r2zr38b 135 131 59               2s7uzs0i 132 87 89
2shrtkht 94 98 107                2tuxeamu 82 113 108               2ufxislr 68 133 137
2vt6yo8f 50 135 71                2vyluscx 134 71 127               2wouwuvr 84 122 81
30admsmv 127 67 74                313444 79 65 104                  31ng0zy5 76 122 104
33o1zhw3 47 130 60                34gw8w1t 104 76 92                35u04w7u 91 110 92
37280 76 124 72                   37384 69 98 108                   37731 70 59 115
37772 96 102 128                  39507 73 102 96                   398259 99 113 110
3ebm2mp0 124 87 124               3esofzxq 130 87 114               3fgqq66s 112 96 129
3ggttg56 85 137 100               3j0ns1no 50 133 72                3jr1ae72 126 69 81
3nrnrf6s 45 122 55                3pcsmb0n 136 108 119              3pysd9m5 61 141 80
3q783q28 111 110 81               3rfhrd9i 58 155 69                3smwquag 105 121 98
3spj876b 138 81 65                3tii6rqc 100 146 80               415278 103 75 96
44447 66 97 126                   55932 113 62 121                  56264 102 123 62
59052 77 68 103                   72879 84 63 109                   75443 101 101 82
75658 112 90 96                   80597 107 76 56                   84phlf0m 72 136 72
Hundepaar 113 118 82              apycoeg3 120 101 56               beeth 83 122 66
bgdxgad8 108 144 121              blub_triangulated 85 103 129      bu2f4tch 123 82 67
cheburashka 125 118 64            cow 124 96 68                     d09hdpv7 100 109 78
dpdmbpri 102 79 101               dsbyipk4 112 92 87                dtjiquy4 149 91 86
fass883r 82 124 117               gs34dkf1 126 85 78                happy 81 138 81
homer 93 134 79                   horse 83 127 105                  igea 89 128 128
itgowqmn 58 125 61                j649ebll 133 79 84                k987bt0z 129 127 75
lh0nc4xq 80 142 93                ltrarmqq 109 102 128              lucy 92 72 126
m2wpphmn 77 114 103               ogre 124 128 76                   pg5xvwno 77 130 66
qrux8ztl 133 74 99                qsuvxmny 66 128 73                sphinx 123 53 131
spot 69 126 127                   suzanne 135 97 84                 t5n8oys5 96 130 85
teapot 125 63 80                  tr3e4tbm 119 76 112               w8jm91ti 94 129 66
xqmslxc8 61 121 89                xt0eyo4x 100 71 116               xyzrgb_dragon 139 71 106
z73ltdbb 69 139 91                ze3p8lam 81 120 115
"""

_WORDS = _TABLE.split()
TRAINING_SIZES: dict[str, tuple[int, int, int]] = {
    name: (int(x), int(y), int(z))
    for name, x, y, z in zip(_WORDS[0::4], _WORDS[1::4], _WORDS[2::4], _WORDS[3::4], strict=True)
}
"""Size along x, y and z in millimetres by name, in the order of the source."""
