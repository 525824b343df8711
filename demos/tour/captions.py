"""The pictures of each section: captions say what to see and why, alternative texts say what is seen."""

from __future__ import annotations

from demos.tour.pictures import Picture

PICTURES = {
    "independence": (
        Picture(
            "samples.svg",
            "Test digits, and samples of models with weaker and weaker assumptions. Strokes appear as soon as a "
            "pixel may depend on the pixel before it.",
            "Rows of ten small images. The test digits are clear; samples of independent pixels are scattered "
            "dots; samples of the Markov chain have short strokes.",
        ),
        Picture(
            "ledger.svg",
            "What each assumption costs. Every step down in −ln p(x) equals the quantity of information beside "
            "it. The data fix the steps of the fits in closed form; the step of NADE is what this training has "
            "reached.",
            "A staircase of bars from top to bottom: −ln p(x) falls from independent pixels over a Markov "
            "chain, FVSBN and NADE to the full table, which reaches the entropy of the data.",
        ),
        Picture(
            "parameters.svg",
            "Numbers that each model has to learn, over the number of pixels. The axis is logarithmic: the full "
            "table doubles with each pixel, and models with assumptions stay small.",
            "Lines over 1 to 20 pixels. The line of the full table is straight and reaches a million numbers; "
            "all other lines bend and stay below a thousand.",
        ),
    ),
    "markov": (
        Picture(
            "orders.svg",
            "−ln p(x) of training and validation digits over the order k. The lowest point of the validation "
            "curve is the best memory: longer histories are too rare to learn from.",
            "Two curves over the order k. The curve of the training digits falls; the curve of the validation "
            "digits falls at first and then rises.",
        ),
        Picture(
            "samples.svg",
            "Test digits, and samples of chains of several orders. Strokes run along the rows, but do not meet "
            "from row to row.",
            "Rows of ten small images: test digits, and samples for each order k. With a longer memory the "
            "strokes become longer, but few samples are digits.",
        ),
    ),
    "ar": (
        Picture(
            "forecast.svg",
            "The lynx caught each year, and a forecast with its intervals. The bands widen because each year "
            "adds the noise of one more step.",
            "A line that rises and falls about every ten years. After its end the sampled futures go on waving "
            "in bands that become wider, and the true values stay near them.",
        ),
        Picture(
            "spectrum.svg",
            "Power at each frequency. The model has its highest peak near a cycle of ten years, although "
            "nothing told the model of a cycle.",
            "Grey points of the data, and a red curve of the model whose highest peak is near 0.1 cycles a year.",
        ),
    ),
    "nade": (
        Picture(
            "samples.svg",
            "Samples of NADE and, in grey below each sample, the nearest training image. The two differ: the "
            "samples are no copies.",
            "Rows of ten small images: test digits, and three times a row of samples above a grey row of the "
            "nearest training images, which are similar but not equal.",
        ),
        Picture(
            "completions.svg",
            "The upper half is given, and NADE draws the lower half from p(rest | seen), four times. Where the "
            "upper half fits two digits, the completions differ.",
            "Rows of ten small images: the upper halves of test digits, four completions of each, and the whole "
            "digits.",
        ),
    ),
    "pixelrnn": (
        Picture(
            "samples.svg",
            "Test digits, and samples of an LSTM that draws one pixel after the other, row by row.",
            "Rows of ten small images: test digits above two rows of samples.",
        ),
        Picture(
            "fields.svg",
            "The pixels that the prediction of the red pixel depends on, for four networks: in the paper, where "
            "the gradient is not 0, and how large the gradient is. PixelCNN never sees one corner, the blind spot.",
            "A grid of four columns. The raster LSTM and the Diagonal BiLSTM see all pixels before the red "
            "pixel, the Row LSTM a triangle above the red pixel, and the PixelCNN a window.",
        ),
    ),
    "anomaly": (
        Picture(
            "roc.svg",
            "The share of strange images that raise an alarm, over the share of digits that raise one. A curve that "
            "rises at once belongs to a kind of image that −ln p(x) detects well.",
            "Four curves above the diagonal, one for each kind of strange image. The legend has the area under "
            "each curve.",
        ),
        Picture(
            "strangest.svg",
            "The test digits with the lowest and the highest −ln p(x), and images that are no digits. The "
            "digits with the highest −ln p(x) are badly written.",
            "Rows of ten small images: simple digits, unusual digits, turned digits, mirrored digits, random "
            "dots, digits with shuffled rows, and blank images.",
        ),
        Picture(
            "denoised.svg",
            "A model of p(x) also repairs images: some pixels are flipped, and each model says how probable it "
            "is that a pixel was black. NADE knows strokes, independent pixels do not.",
            "Rows of ten small images: test digits, the same digits with flipped pixels, and grey repaired "
            "images of independent pixels and of NADE. Those of NADE look like the test digits.",
        ),
    ),
    "vae": (
        Picture(
            "samples.svg",
            "Test digits and, for each z from the prior, the mean of p(x|z) and a sample. The sample has noisy "
            "edges because pixels are independent given z.",
            "Rows of ten small images: test digits, then twice a row of soft grey digits above a row of black "
            "and white digits with noisy edges.",
        ),
        Picture(
            "reconstructions.svg",
            "Test digits, and what the decoder makes of their codes. A few numbers keep the shape of a digit, "
            "but not every pixel.",
            "Rows of ten small images: test digits, and below each a soft grey image of the same shape.",
        ),
        Picture(
            "manifold.svg",
            "The mean of p(x|z) over the plane of z, of a VAE with two numbers in z. Neighbouring codes make "
            "similar images, so each digit has a region of its own.",
            "A square of small digits that change little from neighbour to neighbour; the regions of different "
            "digits pass into each other.",
        ),
        Picture(
            "interpolations.svg",
            "From the code of one digit to the code of another, on a straight line and on an arc. The steps "
            "between look like digits, too.",
            "Six rows of small images. Each row begins with one digit, ends with another, and changes in small steps.",
        ),
    ),
    "truth_lab": (
        Picture(
            "posteriors.svg",
            "The true posterior p(z|x) (shaded) and the encoder's q(z|x) (lines at 1 and 2 standard deviations) "
            "of six digits, all on one scale. Training makes both narrower; where the shading is bent, the "
            "ellipse cannot follow.",
            "For each of six digits, three panels of later and later epochs: a shaded area, which shrinks, "
            "under two ellipses, which come to fit it. The KL is above each panel.",
        ),
        Picture(
            "ledger.svg",
            "ln p(x) and the ELBO over the epochs. The band between the two is KL(q(z|x) ‖ p(z|x)), the price "
            "of an encoder that is not the true posterior.",
            "Two rising curves with a shaded band between them. The curve of ln p(x) is always above the curve "
            "of the ELBO.",
        ),
        Picture(
            "surgery.svg",
            "The prior fitting term in two parts: what z tells about x, and how far all codes together are from "
            "the prior. The VAE pays for both parts; the game of the AAE only sees the second.",
            "Two panels of stacked areas over the epochs, for the VAE and for the AAE. In both, nearly all of "
            "the height is information of z about x; the AAE's is near the dotted line of the largest possible "
            "value.",
        ),
    ),
    "aae": (
        Picture(
            "latent.svg",
            "Codes of test digits (first panel), and samples of the prior (second panel), each drawn as its digit. "
            "The codes fill the flower: q(z) has become p(z).",
            "Two clouds of coloured numerals in the shape of a flower. With labels, each petal has one colour.",
        ),
        Picture(
            "regions.svg",
            "The mean of p(x|z) along each petal, from the centre outwards. Along a petal the style of a digit "
            "changes, not the digit.",
            "Ten rows of small images, one a petal. The digits of a row are alike and change slowly.",
        ),
    ),
    "gan": (
        Picture(
            "density.svg",
            "The game after some epochs. p_G moves until it covers p_data; the learned D follows the best D*, "
            "and both come to ½.",
            "Six panels: a grey density with two hills, and a red density that becomes like it. The curves of D "
            "and D* become flat.",
        ),
        Picture(
            "value.svg",
            "First panel: the value with the learned D is never above the value with the best D*, and both come to "
            "−log 4. Second panel: how far the players are from the equilibrium.",
            "Two panels over the epochs. In the first the curve of D* falls to a dotted line at −log 4, and "
            "the curve of the learned D stays below it; in the second the three distances fall.",
        ),
        Picture(
            "six_states.svg",
            "A game with six states in which D is the best D* at every step. With both losses V(D*, G) falls "
            "to −log 4, but minimax starts slowly because its gradient is small where p_G is far from p_data.",
            "Three bar charts of p_data and p_G after 0, 20 and 200 steps, and the curves of the value: "
            "non-saturating falls at once, minimax waits first.",
        ),
        Picture(
            "dynamics.svg",
            "All losses and penalties near the equilibrium: circles, spirals, and the eigenvalues of a step. "
            "Players converge if the eigenvalues lie inside the unit circle, where a step shrinks the distance "
            "(× below 1).",
            "Twenty panels: for each of five losses the paths without penalty, with R1 and with a gradient "
            "penalty, and the eigenvalues of a step in the complex plane.",
            folded=True,
        ),
    ),
    "ring": (
        Picture(
            "samples.svg",
            "Samples of each game after some epochs (red), the eight modes (circles), and what the "
            "discriminator calls real (grey, the darker the more). Without a penalty, samples visit only some "
            "of the modes.",
            "A block of six small panels for each game. In the block of the game with R1 the red points end in "
            "all eight circles; in the block of minimax they end in a few.",
        ),
        Picture(
            "learning.svg",
            "Modes that the samples reach, and the share of samples that lie on a mode. A game can be good at "
            "one and bad at the other.",
            "Panels of curves over the epochs, one curve for each game.",
        ),
    ),
    "gan_digits": (
        Picture(
            "samples.svg",
            "Samples of the generator below test digits. Nobody selected them: bad samples are there, too.",
            "Two rows of ten test digits above eight rows of samples, most of which look like digits.",
        ),
        Picture(
            "interpolations.svg",
            "From one z to another on an arc. If neighbouring z make similar images, the generator has learned "
            "more than single images.",
            "Eight rows of small images. Each row changes in small steps from one digit to another.",
        ),
        Picture(
            "nearest.svg",
            "Samples, and below each the nearest training image. If the two were equal, the generator would "
            "have learned images by heart.",
            "A row of ten samples above a row of ten training images, which are similar but not equal.",
        ),
    ),
}
"""The pictures of a section, by its demo, in their order on the page."""
